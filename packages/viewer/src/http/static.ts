/** The page and its files, read once. Only files found then are served, so no path can lead elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Reply } from './reply.ts';
import type { Route } from './router.ts';

const UI = new URL('../ui/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Routes of the page: every address it knows, and each of its files under `/ui/`. */
export function staticRoutes(): Route[] {
  const files = readdirSync(UI).filter((name) => typeOf(name) !== undefined);
  const page = fileReply('index.html');
  const pages = ['/', '/trace/{}'].map((path) => fileRoute(path, page));
  const others = files.filter((name) => name !== 'index.html');
  return [...pages, ...others.map((name) => fileRoute(`/ui/${name}`, fileReply(name)))];
}

function fileRoute(path: string, reply: Reply): Route {
  return { method: 'GET', path, answer: () => reply };
}

function fileReply(name: string): Reply {
  const body = readFileSync(new URL(name, UI));
  return { status: 200, type: typeOf(name) ?? '', body, headers: { 'cache-control': 'no-cache' } };
}

function typeOf(name: string): string | undefined {
  return TYPES[name.slice(name.lastIndexOf('.') + 1)];
}
