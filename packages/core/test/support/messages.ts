/** What Clew tells the operator, for tests. */
import type { TestContext } from 'node:test';
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { resetFaults } from '../../src/faults.ts';

/** Collects messages but those for debugging, from a clean start, until the test ends. */
export function collectMessages(t: TestContext): string[] {
  const messages: string[] = [];
  const note = (message: string): void => void messages.push(message);
  const logger: DiagLogger = { error: note, warn: note, info: note, debug: note, verbose: note };
  diag.setLogger(logger, { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });
  resetFaults();
  t.after(() => {
    diag.disable();
    resetFaults();
  });
  return messages;
}
