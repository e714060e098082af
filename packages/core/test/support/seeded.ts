/** Numbers that look random and are the same in every run. */

/** Signed 32-bit words: xorshift32, mixed once more because neighbouring states of it are alike. */
export function seededWords(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.imul(state ^ (state >>> 16), 0x45d9f3b);
  };
}
