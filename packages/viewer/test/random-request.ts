/** Random OTLP requests, the same for the same seed, in the JSON form. */

/** A source of random numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes requests that use every field the viewer reads, and some that it does not. */
export class RandomRequests {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  traces(): Record<string, unknown> {
    return {
      resourceSpans: this.#list(3, () => ({
        ...this.#maybe('resource', () => this.#resource()),
        scopeSpans: this.#list(3, () => this.#scopeSpans()),
      })),
    };
  }

  logs(): Record<string, unknown> {
    const scopeLogs = (): unknown => ({
      scope: { name: this.#text() },
      logRecords: this.#list(4, () => this.#logRecord()),
    });
    return { resourceLogs: this.#list(3, () => ({ resource: this.#resource(), scopeLogs: this.#list(2, scopeLogs) })) };
  }

  integer(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #scopeSpans(): unknown {
    return {
      ...this.#maybe('scope', () => ({ name: this.#text(), version: this.#text(), attributes: this.#attributes(1) })),
      spans: this.#list(4, () => this.#span()),
    };
  }

  #resource(): unknown {
    const named = this.#random() < 0.7 ? [{ key: 'service.name', value: { stringValue: this.#text() } }] : [];
    return { attributes: [...named, ...this.#attributes(2)], droppedAttributesCount: this.integer(3) };
  }

  #span(): unknown {
    return {
      traceId: this.#hex(16),
      spanId: this.#hex(8),
      traceState: this.#text(),
      ...this.#maybe('parentSpanId', () => this.#hex(8)),
      name: this.#text(),
      kind: this.integer(6),
      flags: this.integer(2 ** 32),
      startTimeUnixNano: this.#uint64(),
      endTimeUnixNano: this.#uint64(),
      attributes: this.#attributes(2),
      droppedAttributesCount: this.integer(9),
      events: this.#list(3, () => ({
        timeUnixNano: this.#uint64(),
        name: this.#text(),
        attributes: this.#attributes(1),
      })),
      links: this.#list(3, () => ({
        traceId: this.#hex(16),
        spanId: this.#hex(8),
        traceState: this.#text(),
        attributes: this.#attributes(1),
        flags: this.integer(300),
      })),
      ...this.#maybe('status', () => ({ code: this.integer(3), message: this.#text() })),
    };
  }

  #logRecord(): unknown {
    return {
      timeUnixNano: this.#uint64(),
      observedTimeUnixNano: this.#uint64(),
      severityNumber: this.integer(25),
      severityText: this.#text(),
      ...this.#maybe('body', () => this.#value(2)),
      attributes: this.#attributes(2),
      traceId: this.#hex(16),
      spanId: this.#hex(8),
      flags: 1,
    };
  }

  #attributes(depth: number): unknown[] {
    return this.#list(4, () => ({ key: this.#text(), value: this.#value(depth) }));
  }

  #value(depth: number): unknown {
    const values: Array<() => unknown> = [
      () => ({}),
      () => ({ stringValue: this.#text() }),
      () => ({ boolValue: this.#random() < 0.5 }),
      () => ({ intValue: this.#int64() }),
      () => ({ doubleValue: this.#double() }),
      () => ({ bytesValue: Buffer.from(this.#hex(this.integer(40)), 'hex').toString('base64') }),
      () => ({ arrayValue: { values: this.#list(3, () => this.#value(depth - 1)) } }),
      () => ({ kvlistValue: { values: this.#list(3, () => ({ key: this.#text(), value: this.#value(depth - 1) })) } }),
    ];
    return values[this.integer(depth > 0 ? values.length : values.length - 2)]?.();
  }

  #text(): string {
    const samples = [
      '',
      'a',
      'GET /orders/:id',
      'naïve',
      '日本語',
      '👩‍💻',
      'x'.repeat(24),
      'y'.repeat(25),
      'ü'.repeat(200),
      '\u0000\n"<b>',
    ];
    return samples[this.integer(samples.length)] ?? '';
  }

  #int64(): string {
    const samples = [
      '0',
      '1',
      '-1',
      '127',
      '128',
      '268435455',
      '268435456',
      '-2147483648',
      '9007199254740991',
      '9007199254740993',
      '-9007199254740993',
      '9223372036854775807',
      '-9223372036854775808',
    ];
    return this.#random() < 0.5
      ? (samples[this.integer(samples.length)] ?? '0')
      : String(this.integer(2 ** 40) - 2 ** 39);
  }

  #double(): number {
    const samples = [0, 1, -1.5, 1e300, 5e-324, 0.1, 123456789.25];
    return samples[this.integer(samples.length)] ?? 0;
  }

  #uint64(): string {
    const samples = ['0', '1', '1790000000000000001', '18446744073709551615'];
    return samples[this.integer(samples.length)] ?? '0';
  }

  #hex(bytes: number): string {
    return Array.from({ length: bytes }, () => this.integer(256).toString(16).padStart(2, '0')).join('');
  }

  #list<Item>(most: number, make: () => Item): Item[] {
    return Array.from({ length: this.integer(most + 1) }, make);
  }

  #maybe(key: string, make: () => unknown): Record<string, unknown> {
    return this.#random() < 0.6 ? { [key]: make() } : {};
  }
}
