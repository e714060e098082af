import assert from 'node:assert/strict';
import { test } from 'node:test';
import manifest from '../package.json' with { type: 'json' };
import { VERSION } from '../src/version.ts';

test('the version on spans is that of the package', () => assert.equal(VERSION, manifest.version));
