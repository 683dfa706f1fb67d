import { expect, it } from 'vitest';
import { groupByStep } from '../../../main/attempt/plan.ts';
import { DIRECT, GATEWAYS, routed } from './support.ts';

const at = (id: number, ...steps: Parameters<typeof routed>[0] & {}) => routed(steps, { id });
const ids = (recipients: readonly ReturnType<typeof routed>[]): readonly number[] =>
  recipients.map(({ recipient }) => recipient.id);

it('recipients with the same next step take it together', () => {
  const other = { kind: 'direct', domain: 'other.test' } as const;
  const doubted = { ...DIRECT, doubts: { 'mx:mx.example.test': 1 } } as const;
  const second = { ...at(5, DIRECT, GATEWAYS), stepIndex: 1 };
  const { groups, withoutStep } = groupByStep([
    at(1, DIRECT),
    at(2, other),
    at(3, DIRECT, GATEWAYS),
    at(4, doubted),
    second,
    at(6, GATEWAYS),
  ]);
  expect(groups.map(({ step, recipients }) => [step, ids(recipients)])).toEqual([
    [DIRECT, [1, 3]],
    [other, [2]],
    [doubted, [4]],
    [GATEWAYS, [5, 6]],
  ]);
  expect(withoutStep).toEqual([]);
});

it('recipients without a step are apart: no gateway is usable', () => {
  const noGateway = { ...at(1), route: { kind: 'no-gateway', because: 'mode-always', leftOut: [] } as const };
  const { groups, withoutStep } = groupByStep([noGateway, at(2, DIRECT)]);
  expect([groups.map(({ recipients }) => ids(recipients)), ids(withoutStep)]).toEqual([[[2]], [1]]);
});
