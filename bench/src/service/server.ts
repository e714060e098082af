// The measured process: server.ts <framework> <variant> <sink URL> <target URL> <database URL>
import { once } from 'node:events';
import { createServer } from 'node:http';

import { answerLoad } from '../http/answer-load.ts';
import type { Framework } from '../http/variant.ts';
import { serviceApp } from './app.ts';
import { SERVICE_VARIANTS } from './variant.ts';

const [framework = '', name = '', sinkUrl = '', targetUrl = '', databaseUrl = ''] = process.argv.slice(2);
const variant = await SERVICE_VARIANTS[name]?.({
  framework: framework as Framework, // The parent takes it from the list of frameworks.
  endpoint: `${sinkUrl}/${name}`,
  isAlone: true,
});
if (variant === undefined) throw new Error(`unknown variant ${name}`);
const listener = await serviceApp(framework as Framework, variant, { targetUrl, databaseUrl });

let requests = 0;
const server = createServer((request, response) => {
  requests++;
  listener(request, response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');

answerLoad(server, variant, () => requests);
