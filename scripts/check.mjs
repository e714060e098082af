// npm run check: all that can be said about the repository without running it. `npm run check:types` and so on run one.
import { checkImports } from './check/imports.mjs';
import { checkLint } from './check/lint.mjs';
import { checkPackages } from './check/packages.mjs';
import { checkSize } from './check/size.mjs';
import { checkText } from './check/text.mjs';
import { checkTypes } from './check/types.mjs';

const CHECKS = {
  types: checkTypes,
  lint: checkLint,
  imports: checkImports,
  text: checkText,
  packages: checkPackages,
  size: checkSize,
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in CHECKS));
if (unknown !== undefined) {
  console.error(`there is no check "${unknown}"; there are ${Object.keys(CHECKS).join(', ')}`);
  process.exit(1);
}

for (const name of asked.length > 0 ? asked : Object.keys(CHECKS)) {
  const { faults, summary } = await CHECKS[name]();
  console.log(faults.length === 0 ? `ok    ${name}: ${summary}` : `FAIL  ${name}`);
  for (const fault of faults) console.log(fault.replaceAll(/^/gm, '  '));
  if (faults.length > 0) process.exitCode = 1;
}
