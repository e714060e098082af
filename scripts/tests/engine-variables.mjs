// What `npm run test:engines` has to be told: where the real engines are.

const NEEDED = {
  DATABASE_URL: 'a PostgreSQL, for example postgres://postgres:postgres@127.0.0.1:5432/postgres',
  KAFKA_BROKERS: 'Kafka brokers, for example 127.0.0.1:9092',
  JAEGER_QUERY_URL: 'the query address of a Jaeger, for example http://127.0.0.1:16686',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'where spans for that Jaeger are sent, for example http://127.0.0.1:4318',
};

/** One line for each variable that is not set; empty when all are. */
export function missingEngines(env) {
  return Object.entries(NEEDED)
    .filter(([name]) => (env[name] ?? '') === '')
    .map(([name, meaning]) => `${name} is not set: ${meaning}`);
}
