/** The routes of an attempt's recipients, and who takes which step together. */
import type { PlanStep } from '../policy/model.ts';
import { planRoute } from '../policy/plan-route.ts';
import { setStage, type Attempt, type RoutedRecipient, type StepGroup } from './attempt-state.ts';

/** Plans a route for each claimed recipient. While the queue holds they are given back untouched, none is routed. */
export async function planRoutes({ deps, message, state }: Attempt): Promise<readonly RoutedRecipient[]> {
  const environment = deps.environment();
  state.networkId = environment.networkId;
  const routed: RoutedRecipient[] = [];
  const held: number[] = [];
  for (const recipient of message.recipients) {
    const { id, undeliverable } = recipient;
    const route = planRoute(recipient, message.mailFrom, environment);
    if (route.kind === 'hold') {
      held.push(id);
      setStage(state, id, { kind: 'held' });
      continue;
    }
    const waiting: RoutedRecipient = { recipient, route, stepIndex: 0, undeliverable, stepsTaken: [] };
    routed.push(waiting);
    setStage(state, id, { kind: 'waiting', routed: waiting });
  }
  if (held.length > 0) {
    state.willBeDue = true;
    await deps.store.release(held, { nextAt: environment.now, held: true });
  }
  return routed;
}

/** Recipients whose next step is the same, together; `withoutStep`: those whose route has none (left). */
export function groupByStep(recipients: readonly RoutedRecipient[]): {
  readonly groups: readonly StepGroup[];
  readonly withoutStep: readonly RoutedRecipient[];
} {
  const groups = new Map<string, { readonly step: PlanStep; readonly recipients: RoutedRecipient[] }>();
  const withoutStep: RoutedRecipient[] = [];
  for (const routed of recipients) {
    const step = routed.route.kind === 'steps' ? routed.route.steps[routed.stepIndex] : undefined;
    if (step === undefined) {
      withoutStep.push(routed);
      continue;
    }
    const key = JSON.stringify(step);
    const group = groups.get(key) ?? { step, recipients: [] };
    group.recipients.push(routed);
    groups.set(key, group);
  }
  return { groups: [...groups.values()], withoutStep };
}
