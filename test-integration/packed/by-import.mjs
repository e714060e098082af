import { useEverything } from './program.mjs';

console.log(JSON.stringify(await useEverything((name) => import(name))));
