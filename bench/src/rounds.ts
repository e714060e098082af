/** Rounds are short, so not each has its line. */
const ROUNDS_PER_LINE = 10;

/**
 * One window for each of `all` in each round.
 *
 * @returns figures by name, in the order of the rounds
 */
export async function measureInRounds<One extends { readonly name: string }, Figure>(
  all: readonly One[],
  rounds: number,
  measure: (one: One) => Promise<Figure>,
): Promise<Record<string, Figure[]>> {
  const figures: Record<string, Figure[]> = Object.fromEntries(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Another one goes first in each round, so that nobody always runs behind the same neighbour.
    for (let i = 0; i < all.length; i++) {
      const one = all[(i + round) % all.length];
      if (one !== undefined) figures[one.name]?.push(await measure(one));
    }
    if ((round + 1) % ROUNDS_PER_LINE === 0) process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return figures;
}

/** How many rounds each of several generations of processes has of all; generations without a round are none. */
export function shareRounds(rounds: number, generations: number): number[] {
  const count = Math.min(generations, rounds);
  return Array.from({ length: count }, (_, i) => Math.floor((rounds + i) / count));
}

/** The figures of two generations, by name, one after the other. */
export function joinFigures<Figure>(
  before: Readonly<Record<string, readonly Figure[]>>,
  after: Readonly<Record<string, readonly Figure[]>>,
): Record<string, Figure[]> {
  return Object.fromEntries(Object.entries(after).map(([name, list]) => [name, [...(before[name] ?? []), ...list]]));
}
