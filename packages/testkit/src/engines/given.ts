import { connect } from 'node:net';

/** Longest wait for a server that neither accepts nor refuses. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Prove that one of the addresses given by the user accepts a connection.
 *
 * @param product  what should be there, for the error: `PostgreSQL`
 * @param variable  the environment variable that named the addresses
 * @param addresses  `host:port` each
 * @throws Error in one sentence when none of them does
 */
export async function checkGiven(product: string, variable: string, addresses: string[]): Promise<void> {
  const attempts = await Promise.allSettled(addresses.map(tryConnect));
  if (attempts.some((attempt) => attempt.status === 'fulfilled')) return;
  const reasons = attempts.map(
    (attempt, i) => `${addresses[i]}: ${attempt.status === 'rejected' ? attempt.reason : ''}`,
  );
  throw new Error(`${product} does not answer where ${variable} says it is (${reasons.join(', ')}).`);
}

function tryConnect(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
    const port = Number(address.slice(colon + 1));
    if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
      reject('not of the form host:port');
      return;
    }
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const settle = (reason?: string) => {
      socket.destroy();
      if (reason === undefined) resolve();
      else reject(reason);
    };
    socket.once('connect', () => settle());
    socket.once('timeout', () => settle(`no answer in ${CONNECT_TIMEOUT_MS} ms`));
    // An address with several IPs fails with an AggregateError, whose code is that of the attempts.
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}
