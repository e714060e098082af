/**
 * Arguments for Node.js: V8's young generation with its last size from the start, as in a program with more in its heap.
 * While it grows, V8 does not yet put objects of requests into the old space, where they keep others alive; how long that
 * lasts differs between the variants.
 */
export const FULL_YOUNG_GENERATION: readonly string[] = ['--min-semi-space-size=64'];
