// The tables of the shop, and what it sells. The prices decide what happens to an order: see payments.ts.
import type { Pool } from 'pg';

export async function createOrderTables(pool: Pool): Promise<void> {
  await pool.query(
    `CREATE TABLE IF NOT EXISTS products (sku text PRIMARY KEY, title text, price_cents integer, stock integer)`,
  );
  await pool.query(
    `INSERT INTO products VALUES ('teapot', 'Teapot', 3900, 1000000), ('harp', 'Concert harp', 1250000, 1000000),
       ('glass-harp', 'Glass harp', 66613, 1000000) ON CONFLICT (sku) DO UPDATE SET stock = excluded.stock`,
  );
  await pool.query(
    `CREATE TABLE IF NOT EXISTS orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), sku text, quantity integer,
       amount_cents integer, created_at timestamptz DEFAULT now())`,
  );
}

export async function createShipmentTable(pool: Pool): Promise<void> {
  await pool.query(`CREATE TABLE IF NOT EXISTS shipments (order_id text PRIMARY KEY, state text, tier text)`);
}
