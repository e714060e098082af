// The measured process: server.ts <framework> <variant> <sink URL>
import { once } from 'node:events';

import { answerLoad } from './answer-load.ts';
import { expressApp, fastifyApp, makeUser } from './apps.ts';
import { type Framework, VARIANTS } from './variant.ts';

let requests = 0;

const [framework = '', name = '', sinkUrl = ''] = process.argv.slice(2);
const variant = await VARIANTS[name]?.({
  framework: framework as Framework, // The parent takes it from the list of frameworks.
  endpoint: `${sinkUrl}/${name}`,
  isAlone: true,
});
if (variant === undefined) throw new Error(`unknown variant ${name}`);
const server =
  framework === 'express'
    ? expressApp(variant, findUser).listen(0, '127.0.0.1')
    : (await listening(await fastifyApp(variant, findUser))).server;
if (!server.listening) await once(server, 'listening');

answerLoad(server, variant, () => requests);

function findUser(id: string): object {
  requests++;
  return makeUser(id);
}

async function listening<T extends { listen(options: object): Promise<string> }>(app: T): Promise<T> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app;
}
