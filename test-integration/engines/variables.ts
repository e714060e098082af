/** The engines that the run was told about. */

/**
 * A variable that this test needs.
 *
 * @throws Error saying what it is for, when it is not set
 */
export function required(name: string, meaning: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: ${meaning}`);
  return value;
}

/** Ask a Jaeger-shaped API until it has a trace with this many spans, for 30 seconds. */
export async function readTrace(queryUrl: string, traceId: string, spans: number): Promise<JaegerTrace> {
  const deadline = Date.now() + 30_000;
  let last = 'nothing';
  while (Date.now() < deadline) {
    const response = await fetch(`${queryUrl}/api/traces/${traceId}`);
    const { data } = (await response.json()) as { data?: JaegerTrace[] | null };
    const [trace] = data ?? [];
    if (trace !== undefined && trace.spans.length >= spans) return trace;
    last = trace === undefined ? `status ${response.status}` : `${trace.spans.length} spans`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`trace ${traceId} did not arrive with ${spans} spans: ${last}`);
}

/** The part of Jaeger's answer that tests read. */
export interface JaegerTrace {
  spans: Array<{
    spanID: string;
    operationName: string;
    processID: string;
    references: Array<{ refType: string; traceID: string; spanID: string }>;
    startTime: number;
    duration: number;
    tags: Array<{ key: string; type: string; value: unknown }>;
    logs: Array<{ timestamp: number; fields: Array<{ key: string; value: unknown }> }>;
    warnings: string[] | null;
  }>;
  processes: Record<string, { serviceName: string; tags: Array<{ key: string; value: unknown }> }>;
}
