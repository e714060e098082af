// check:imports: who imports whom, no cycles, no utils, no top-level await. The rules are in imports/rooms.mjs.
import { judgeImports } from '../imports/judge.mjs';
import { root } from '../repository.mjs';

export async function checkImports() {
  const { faults, files } = judgeImports(root);
  return { faults, summary: `${files} files` };
}
