// In CommonJS everything is loaded by require(), our ES modules too.
const { useEverything } = require('./program.mjs');

useEverything(async (name) => require(name)).then((result) => console.log(JSON.stringify(result)));
