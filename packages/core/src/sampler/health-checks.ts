/** The requests that orchestrators and load balancers make all day long. */
import { SpanKind } from '@opentelemetry/api';
import { alwaysOff } from './always.ts';
import type { RuleCriteria } from './rule-match.ts';
import type { Rule } from './rules.ts';

const ROUTES = ['/health*', '/ready*', '/live*', '/metrics'];
const USER_AGENTS = ['kube-probe/*', 'ELB-HealthChecker/*'];

/**
 * Rules that drop the server spans of health checks: the paths `/health*`, `/ready*`, `/live*` and `/metrics`, and the
 * user agents of Kubernetes and of AWS load balancers. For `rules([...healthChecks(), …], fallback)`.
 */
export function healthChecks(): Rule[] {
  const criteria: RuleCriteria[] = [
    ...ROUTES.map((route) => ({ route })),
    ...USER_AGENTS.map((agent) => ({ attributes: { 'user_agent.original': agent } })),
  ];
  return criteria.map((when) => ({ when: { kind: SpanKind.SERVER, ...when }, sampler: alwaysOff() }));
}
