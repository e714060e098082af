// Express 4 is installed under a second name, beside Express 5 of the gateway. What we use has the same types in both.
declare module 'express-4' {
  export { default } from 'express';
}
