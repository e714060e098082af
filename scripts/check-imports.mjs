// npm run check:imports: who imports whom, no cycles, no utils, no top-level await. The rules are in imports/rooms.mjs.
import { judgeImports } from './imports/judge.mjs';
import { root } from './repository.mjs';

const faults = judgeImports(root);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
