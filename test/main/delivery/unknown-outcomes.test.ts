/** Which hops are connected to, and in which order, when some may have taken the message already (spec §3.2). */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../main/runtime/clock.ts';
import { systemClock } from '../../../main/runtime/system-clock.ts';
import { hopKey } from '../../../main/policy/unknown-outcome.ts';
import type { PlanStep } from '../../../main/policy/model.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { startScriptedServer, type Dialogue, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { deliveryRig, messageOf, recipientsOf } from '../../support/delivery-rig.ts';
import { keepDuringTest } from '../../support/kept.ts';
import { onFreePort } from '../../support/ports.ts';

const keep = keepDuringTest();
const serve = async (
  dialogue: Dialogue,
  options: Parameters<typeof startScriptedServer>[1] = {},
): Promise<ScriptedServer> => keep(await startScriptedServer(dialogue, options));
const never = new AbortController().signal;
const TEXT = 'Subject: x\r\n\r\nhello\r\n';
/** No other delay has this length. */
const HEAD_START_MS = 123;
const LOSES: Dialogue = { message: { then: 'reset' } };

async function run(rig: ReturnType<typeof deliveryRig>, step: PlanStep) {
  const { tries, verdicts } = await rig.delivery.run(step, messageOf(TEXT), recipientsOf('a@far.test'), never);
  const verdict = verdicts.get(1);
  return {
    hops: tries.filter((t) => t.skipped !== true).map((t) => t.hop.gatewayId ?? t.hop.host),
    said: verdict?.kind === 'deferred' ? verdict.why : verdict?.kind,
  };
}

describe('gateways', () => {
  const rigFor = (servers: readonly ScriptedServer[]) => {
    const list = servers.map(({ port }, i) => ({ id: `g${i + 1}`, name: `G${i + 1}`, host: '127.0.0.1', port }));
    let headStarts = 0;
    const clock: Clock = {
      ...systemClock,
      after: (ms, run) => {
        if (ms === HEAD_START_MS) headStarts += 1;
        return systemClock.after(ms, run);
      },
    };
    const rig = deliveryRig({ gateways: { headStartMs: HEAD_START_MS, list } }, fakeDns({}), { clock });
    keep({ close: () => rig.delivery.close(0) });
    return { ...rig, headStarts: () => headStarts };
  };

  it('a doubtful one does not win against one that greets only after its head start', async () => {
    const slow = await serve({ greeting: { then: 'silence' } });
    const quick = await serve({});
    // Without a doubt it would.
    expect(await run(rigFor([slow, quick]), { kind: 'gateways', ids: ['g1', 'g2'] })).toEqual({
      hops: ['g2'],
      said: 'delivered',
    });
    const rig = rigFor([slow, quick]);
    const running = run(rig, { kind: 'gateways', ids: ['g1', 'g2'], doubtful: ['g2'] });
    await expect.poll(() => slow.sessions.length).toBe(2);
    // Nothing is to happen when its head start is over.
    expect(rig.headStarts()).toBe(0);
    slow.sessions[1]?.say('220 here at last');
    expect(await running).toEqual({ hops: ['g1'], said: 'delivered' });
    expect(quick.sessions).toHaveLength(1);
  });

  it('one without doubt that rests is asked before the doubtful one', async () => {
    const bad = await serve({ greeting: { send: '421 busy', then: 'close' } });
    const greylists = await serve({ 'RCPT TO': '450 4.2.1 later' });
    const doubtful = await serve({});
    const rig = rigFor([bad, greylists, doubtful]);
    const step = { kind: 'gateways', ids: ['g1', 'g2', 'g3'], doubtful: ['g3'] } as const;
    // The first rests from now on.
    await run(rig, { kind: 'gateways', ids: ['g1'] });
    const sessions = bad.sessions.length;
    expect(await run(rig, step)).toEqual({ hops: ['g2', 'g1', 'g3'], said: 'delivered' });
    expect(bad.sessions).toHaveLength(sessions + 1);
  });

  it('all in doubt: fewest unknown outcomes first, and nobody else after the dot', async () => {
    const [first, second] = [await serve(LOSES), await serve({})];
    const rig = rigFor([first, second]);
    expect(await run(rig, { kind: 'gateways', ids: ['g1', 'g2'], doubtful: ['g1', 'g2'] })).toEqual({
      hops: ['g1'],
      said: 'lost-after-dot',
    });
    expect(second.sessions).toHaveLength(0);
  });
});

describe('mail servers', () => {
  const doubt = (host: string): string => hopKey({ kind: 'mx', host, port: 25 });
  const rigFor = async (dialogues: readonly [Dialogue, Dialogue], administration: object = {}) => {
    const servers = await onFreePort(
      async (port) =>
        [
          await serve(dialogues[0], { host: '127.0.0.2', port }),
          await serve(dialogues[1], { host: '127.0.0.3', port }),
        ] as const,
      ['127.0.0.2', '127.0.0.3'],
    );
    const rig = deliveryRig(
      { connection: { directPort: servers[0].port, trustLoopbackMx: true }, administration },
      fakeDns({
        mx: { 'far.test': ['10 mx1.test', '20 mx2.test'] },
        a: { 'mx1.test': ['127.0.0.2'], 'mx2.test': ['127.0.0.3'] },
      }),
    );
    keep({ close: () => rig.delivery.close(0) });
    return { rig, servers };
  };
  const step = (more: Partial<Extract<PlanStep, { kind: 'direct' }>> = {}): PlanStep => ({
    kind: 'direct',
    domain: 'far.test',
    ...more,
  });
  const BUSY: Dialogue = { greeting: { send: '421 busy', then: 'close' } };

  it.each<[string, PlanStep, readonly string[], string]>([
    ['none in doubt', step(), ['mx1.test', 'mx2.test'], 'greeting'],
    ['the first in doubt', step({ doubts: { [doubt('mx1.test')]: 1 } }), ['mx2.test', 'mx1.test'], 'greeting'],
    ['the first left out', step({ doubts: { [doubt('mx1.test')]: 3 } }), ['mx2.test'], 'greeting'],
    ['only those without doubt', step({ doubts: { [doubt('mx1.test')]: 1 }, only: 'sure' }), ['mx2.test'], 'greeting'],
    ['only doubtful ones', step({ doubts: { [doubt('mx1.test')]: 1 }, only: 'doubtful' }), ['mx1.test'], 'greeting'],
    ['both left out', step({ doubts: { [doubt('mx1.test')]: 3, [doubt('mx2.test')]: 3 } }), [], 'unknown-outcomes'],
    ['none without doubt', step({ doubts: { [doubt('mx1.test')]: 1, [doubt('mx2.test')]: 2 }, only: 'sure' }), [], 'unknown-outcomes'],
  ])('%s', async (_what, plan, hops, said) => {
    const { rig } = await rigFor([BUSY, BUSY]);
    expect(await run(rig, plan)).toEqual({ hops, said });
  }); // prettier-ignore

  it.each([
    [{}, ['mx1.test']],
    [{ [doubt('mx1.test')]: 2 }, ['mx2.test']],
    [{ [doubt('mx1.test')]: 3 }, ['mx2.test']],
    [{ [doubt('mx1.test')]: 1, [doubt('mx2.test')]: 2 }, ['mx1.test']],
  ])('Force message delivery off, doubts %j: one host only, %j', async (doubts, hops) => {
    const { rig } = await rigFor([BUSY, BUSY], { forceDelivery: false });
    expect((await run(rig, step({ doubts }))).hops).toEqual(hops);
  });

  it('one without doubt that rests is asked before the doubtful one', async () => {
    const { rig, servers } = await rigFor([{}, BUSY]);
    await run(rig, step({ doubts: { [doubt('mx1.test')]: 3 } }));
    servers[1].become({});
    expect(await run(rig, step({ doubts: { [doubt('mx1.test')]: 1 } }))).toEqual({
      hops: ['mx2.test'],
      said: 'delivered',
    });
    expect(servers[0].sessions).toHaveLength(0);
  });

  it('a message that finds the host resting was not sent, and may not have arrived', async () => {
    const { rig, servers } = await rigFor([LOSES, BUSY]);
    expect(await run(rig, step())).toEqual({ hops: ['mx1.test'], said: 'lost-after-dot' });
    expect((await run(rig, step({ doubts: { [doubt('mx2.test')]: 3 } }))).said).toBe('connection-lost');
    expect(servers[0].messages()).toHaveLength(1);
  });
});
