/** Conformance suites and back ends for the tests of Clew's packages; never published. */
export {
  BACKENDS,
  type Backend,
  type BackendKind,
  type BackendOptions,
  startBackend,
  type TestContext,
} from './backends.ts';
export { type ProgramResult, readmeProgram, runReadmeProgram } from './readme-program.ts';
