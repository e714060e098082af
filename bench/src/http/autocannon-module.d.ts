/** The part of autocannon that we use; it brings no types. */
declare module 'autocannon' {
  interface AutocannonOptions {
    url: string;
    /** Seconds. */
    duration: number;
    connections: number;
    requests: Array<{ path: string }>;
  }
  interface AutocannonResult {
    readonly non2xx: number;
    readonly errors: number;
    readonly requests: { readonly total: number };
  }
  export default function autocannon(options: AutocannonOptions): Promise<AutocannonResult>;
}
