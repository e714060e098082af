/** OpenTelemetry's own member of a trace state, as it is kept with one. */

/** What is read of the member. Words beside the texts: they are compared for every span below. */
export interface OtMember {
  /** The whole value; empty when there is no member. */
  readonly value: string;
  /** 14 hex digits; `undefined` when there is no valid `th`. */
  readonly threshold: string | undefined;
  /** The upper 24 and the lower 32 bits of `threshold`, unsigned. */
  readonly thresholdHigh: number;
  readonly thresholdLow: number;
  /** Whether there is a valid `rv`. */
  readonly hasRandomness: boolean;
  readonly randomnessHigh: number;
  readonly randomnessLow: number;
}
