// The measured process of service --toggle:
// toggle-server.ts <framework> <variant,variant…> <sink URL> <target URL> <database URL>
import { answerToggle, type Toggled } from '../http/answer-toggle.ts';
import type { Framework } from '../http/variant.ts';
import { serviceApp } from './app.ts';
import { SERVICE_VARIANTS } from './variant.ts';

/** As many as the load generator has for the servers: what waits for the database is written together. */
const CONNECTIONS = 32;

const [framework = '', names = '', sinkUrl = '', targetUrl = '', databaseUrl = ''] = process.argv.slice(2);
const variants = new Map<string, Toggled>();
for (const name of names.split(',')) variants.set(name, await load(name, framework as Framework)); // From the list of frameworks.
answerToggle({ variants, connections: CONNECTIONS });

async function load(name: string, framework: Framework): Promise<Toggled> {
  const variant = await SERVICE_VARIANTS[name]?.({ framework, endpoint: `${sinkUrl}/${name}`, isAlone: false });
  if (variant === undefined) throw new Error(`unknown variant ${name}`);
  return { listener: await serviceApp(framework, variant, { targetUrl, databaseUrl }), flush: variant.flush };
}
