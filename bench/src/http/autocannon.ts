// Load generator for machines without wrk: autocannon.ts <url> <seconds> <connections>
import autocannon from 'autocannon';

const [url = '', seconds = '1', connections = '1'] = process.argv.slice(2);
const requests = Array.from({ length: 10_000 }, (_, n) => ({ path: `/users/${n + 1}` }));
const result = await autocannon({ url, duration: Number(seconds), connections: Number(connections), requests });
// In the words of wrk, which the caller reads.
if (result.non2xx > 0) console.log(`Non-2xx or 3xx responses: ${result.non2xx}`);
if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
console.log(`${result.requests.total} requests`);
