// The measured process of --toggle: toggle-server.ts <framework> <variant,variant…> <sink URL>
import type { RequestListener } from 'node:http';

import { answerToggle, type Toggled } from './answer-toggle.ts';
import { expressApp, fastifyApp, makeUser } from './apps.ts';
import { type Framework, VARIANTS, type Variant } from './variant.ts';

const CONNECTIONS = 8;

const [framework = '', names = '', sinkUrl = ''] = process.argv.slice(2);
const variants = new Map<string, Toggled>();
for (const name of names.split(',')) variants.set(name, await load(name));
answerToggle({ variants, connections: CONNECTIONS });

async function load(name: string): Promise<Toggled> {
  const variant = await VARIANTS[name]?.({
    framework: framework as Framework, // The parent takes it from the list of frameworks.
    endpoint: `${sinkUrl}/${name}`,
    isAlone: false,
  });
  if (variant === undefined) throw new Error(`unknown variant ${name}`);
  return { listener: await listenerOf(variant), flush: variant.flush };
}

async function listenerOf(variant: Variant): Promise<RequestListener> {
  if (framework === 'express') return expressApp(variant, makeUser);
  const app = await fastifyApp(variant, makeUser);
  await app.ready();
  return (request, response) => app.routing(request, response);
}
