export { type Kafka, startKafka } from './kafka.ts';
export { type Postgres, startPostgres } from './postgres.ts';
