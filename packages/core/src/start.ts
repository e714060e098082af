/** `import '@clew/core/start'`: tracing from environment variables alone. */
import { startTracing } from './start-tracing.ts';

startTracing();
