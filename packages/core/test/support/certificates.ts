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
  issue(name: string, subjectAltName: string, how?: { isExpired: boolean }): { keyPath: string; certPath: string };
}

const CA_CONFIG = `[ca]
default_ca = here
[here]
certificate = ca.pem
private_key = ca.key
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

export function makeAuthority(t: TestContext): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'clew-tls-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2');
  writeFileSync(path('ca.cnf'), CA_CONFIG);
  writeFileSync(path('index.txt'), '');
  return {
    caPath: path('ca.pem'),
    issue(name, subjectAltName, { isExpired } = { isExpired: false }) {
      writeFileSync(path(`${name}.ext`), `subjectAltName=${subjectAltName}\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
      // Only the command `ca` makes certificates of the past, in every version of openssl.
      const validity = isExpired ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'] : ['-days', '2'];
      const files = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`];
      openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', ...files, ...validity);
      return { keyPath: path(`${name}.key`), certPath: path(`${name}.pem`) };
    },
  };
}

/** Both as TLS servers want them. */
export function readPair({ keyPath, certPath }: { keyPath: string; certPath: string }): { key: Buffer; cert: Buffer } {
  return { key: readFileSync(keyPath), cert: readFileSync(certPath) };
}
