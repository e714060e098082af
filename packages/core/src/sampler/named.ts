/** Samplers by the names of `OTEL_TRACES_SAMPLER`. */
import type { EnvConfig } from '../config/env.ts';
import { alwaysOff, alwaysOn } from './always.ts';
import { parentBased } from './parent-based.ts';
import { ratio } from './ratio.ts';
import type { Sampler } from './types.ts';

/**
 * The sampler that the environment names.
 *
 * @param choice  from `readEnvironment(…).sampler`
 */
export function createNamedSampler(choice: EnvConfig['sampler']): Sampler {
  switch (choice.name) {
    case 'always_on':
      return alwaysOn();
    case 'always_off':
      return alwaysOff();
    case 'traceidratio':
      return ratio(choice.ratio);
    case 'parentbased_always_on':
      return parentBased({ root: alwaysOn() });
    case 'parentbased_always_off':
      return parentBased({ root: alwaysOff() });
    case 'parentbased_traceidratio':
      return parentBased({ root: ratio(choice.ratio) });
  }
}
