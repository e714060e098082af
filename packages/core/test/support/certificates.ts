/** Certificates for tests of TLS, made by the `openssl` program when a test asks for them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A private authority in a directory that is removed with the test. */
export interface Authority {
  /** Path of its certificate, PEM. */
  caPath: string;
  /** @param subjectAltName  such as `IP:127.0.0.1` */
  issue(name: string, subjectAltName: string): { keyPath: string; certPath: string };
}

export function makeAuthority(t: TestContext): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'clew-tls-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2');
  return {
    caPath: path('ca.pem'),
    issue(name, subjectAltName) {
      writeFileSync(path(`${name}.ext`), `subjectAltName=${subjectAltName}\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`, '-days', '2'];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
      return { keyPath: path(`${name}.key`), certPath: path(`${name}.pem`) };
    },
  };
}

/** Both as TLS servers want them. */
export function readPair({ keyPath, certPath }: { keyPath: string; certPath: string }): { key: Buffer; cert: Buffer } {
  return { key: readFileSync(keyPath), cert: readFileSync(certPath) };
}
