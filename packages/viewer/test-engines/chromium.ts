/** A real Chromium for the tests of the page, driven without a screen. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A page in a fresh profile, closed when the test ends. Anything the browser complains about fails the test.
 *
 * @param tolerated  complaints that are expected; a trace that is not here yet is a 404 by design
 * @throws AssertionError when there is no Chromium: a missing engine is no reason to pass
 */
export async function openPage(
  t: TestContext,
  options: BrowserContextOptions = {},
  tolerated = /404 \(Not Found\)/,
): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'clew-viewer-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: FLAGS,
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type()) || tolerated.test(message.text())) return;
    complaints.push(message.text());
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
    assert.deepEqual(complaints, [], 'the browser complained');
  });
  return page;
}

function chromiumPath(): string {
  const given = process.env.CHROMIUM_PATH;
  const path = given ?? PLACES.find((place) => existsSync(place));
  assert.ok(
    path !== undefined && existsSync(path),
    `no Chromium at ${given ?? PLACES.join(', ')}: install one, or set CHROMIUM_PATH`,
  );
  return path;
}
