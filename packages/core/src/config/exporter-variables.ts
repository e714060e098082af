/** The part of the table of variables that is about exporters and the way to them. */
import { COMPRESSIONS, OTLP_PROTOCOLS, UNSUPPORTED_PROTOCOLS, type Variable } from './variable.ts';

/** What can be set for OTLP in general (`OTEL_EXPORTER_OTLP_X`) and for traces alone (`OTEL_EXPORTER_OTLP_TRACES_X`). */
const OTLP: ReadonlyArray<Omit<Variable, 'name'> & { readonly suffix: string }> = [
  {
    suffix: 'PROTOCOL',
    type: 'enum',
    values: OTLP_PROTOCOLS,
    unsupported: UNSUPPORTED_PROTOCOLS,
    default: 'http/protobuf',
    note: 'The encoding.',
  },
  {
    suffix: 'HEADERS',
    type: 'headers',
    default: undefined,
    note: 'Sent with every export; both lists are used, the one for traces wins by name.',
  },
  { suffix: 'TIMEOUT', type: 'timeout', default: 10000, note: 'Longest time for one attempt.' },
  { suffix: 'COMPRESSION', type: 'enum', values: COMPRESSIONS, default: 'none', note: 'How bodies are compressed.' },
  { suffix: 'CERTIFICATE', type: 'path', default: undefined, note: 'The CA that the server is checked with, PEM.' },
  { suffix: 'CLIENT_KEY', type: 'path', default: undefined, note: 'The private key for mutual TLS, PEM.' },
  { suffix: 'CLIENT_CERTIFICATE', type: 'path', default: undefined, note: 'The certificate for mutual TLS, PEM.' },
  {
    suffix: 'INSECURE',
    type: 'boolean',
    default: false,
    note: 'Says nothing to exporters over HTTP, whose URL has a scheme; it is for OTLP over gRPC.',
  },
];

/** Variables of the exporters by name. */
export const EXPORTER_VARIABLES: readonly Variable[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    type: 'url',
    default: 'http://localhost:4318',
    note: 'The base, to which `v1/traces` is added.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    type: 'url',
    default: undefined,
    note: 'The complete URL for traces, used as it is.',
  },
  ...OTLP.flatMap(({ suffix, ...variable }) => [
    { ...variable, name: `OTEL_EXPORTER_OTLP_${suffix}` },
    { ...variable, name: `OTEL_EXPORTER_OTLP_TRACES_${suffix}`, note: `The same for traces alone.` },
  ]),
  {
    name: 'OTEL_EXPORTER_ZIPKIN_ENDPOINT',
    type: 'url',
    default: 'http://localhost:9411/api/v2/spans',
    note: 'The complete URL of the exporter `zipkin`.',
  },
  {
    name: 'OTEL_EXPORTER_ZIPKIN_TIMEOUT',
    type: 'timeout',
    default: 10000,
    note: 'Longest time for one attempt of it.',
  },
];

/** Variables that other programs read as well, and Node.js itself. */
export const TRANSPORT_VARIABLES: readonly Variable[] = [
  {
    name: 'HTTPS_PROXY',
    type: 'url',
    default: undefined,
    note: 'The proxy for endpoints with `https:`; credentials in its URL are sent to it.',
  },
  { name: 'HTTP_PROXY', type: 'url', default: undefined, note: 'The proxy for endpoints with `http:`.' },
  {
    name: 'NO_PROXY',
    type: 'texts',
    default: undefined,
    note: 'Hosts that are reached without: `*`, or hosts with their subdomains and an optional port.',
  },
  {
    name: 'SSL_CERT_FILE',
    type: 'path',
    default: undefined,
    note: 'The CAs that servers are checked with where `OTEL_EXPORTER_OTLP_CERTIFICATE` names none, PEM.',
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    type: 'path',
    default: undefined,
    note: 'Read by Node.js at its start: CAs beside its own; not used where one of the others names a file.',
  },
];
