import { traceFetch, traceUndici, tracingInterceptor } from '@clew/undici';
import { type ClientAnswer, type ClientRequest, type HttpClientLibrary, httpClientSuite } from '@clew/testkit';
import * as undici from 'undici';
import * as undici6 from 'undici-6';
import * as undici6Lowest from 'undici-6.19';
import * as undici7 from 'undici-7';

type Module = typeof undici;

const VERSIONS: Array<[string, Module]> = [
  ['undici 8', undici],
  // Older majors have the same calls; their types differ in places that are not used here.
  ['undici 7', undici7 as unknown as Module],
  ['undici 6', undici6 as unknown as Module],
  ['undici 6.19', undici6Lowest as unknown as Module],
];

async function read(response: Response): Promise<ClientAnswer> {
  return { status: response.status, body: await response.text() };
}

function byFetch(original: typeof fetch): HttpClientLibrary {
  return {
    scope: '@clew/undici',
    create: (options) => {
      const traced = options === undefined ? original : traceFetch(original, options);
      return {
        request: async (url, request: ClientRequest = {}) =>
          read(await traced(url, { ...request, headers: { ...request.headers, connection: 'close' } })),
      };
    },
  };
}

function byInterceptor({ Agent, request }: Module): HttpClientLibrary {
  return {
    scope: '@clew/undici',
    create: (options) => {
      const agent = new Agent();
      const dispatcher = options === undefined ? agent : agent.compose(tracingInterceptor(options));
      return {
        request: async (url, given: ClientRequest = {}) => {
          const { statusCode, body } = await request(url, { ...(given as object), dispatcher });
          return { status: statusCode, body: await body.text() };
        },
        close: () => agent.destroy(),
      };
    },
  };
}

function byChannels({ Agent, request }: Module): HttpClientLibrary {
  return {
    scope: '@clew/undici',
    create: (options) => {
      const agent = new Agent();
      const stop = options === undefined ? () => {} : traceUndici(options);
      return {
        request: async (url, given: ClientRequest = {}) => {
          const { statusCode, body } = await request(url, { ...(given as object), dispatcher: agent });
          return { status: statusCode, body: await body.text() };
        },
        close: async () => {
          stop();
          await agent.destroy();
        },
      };
    },
  };
}

httpClientSuite('built-in fetch', byFetch(fetch));
for (const [name, module] of VERSIONS) {
  httpClientSuite(`${name}, fetch`, byFetch(module.fetch as unknown as typeof fetch));
  httpClientSuite(`${name}, interceptor`, byInterceptor(module));
  httpClientSuite(`${name}, channels`, byChannels(module));
}
