/** @clew/viewer: receives traces and logs of this machine, and shows them. */
export { startViewer } from './start-viewer.ts';
export { ViewerError } from './errors.ts';
export type { ViewerOptions } from './options.ts';
export type { Viewer, ViewerSpan, ViewerTrace, WaitForTraceOptions } from './types.ts';
export type { LogLine } from './store/model.ts';
export type { PlainValue } from './store/plain.ts';
