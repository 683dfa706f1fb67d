import { describe, expect, it } from 'vitest';
import { createNetworkMemory, type NetworkMemory } from '../../../main/network/network-memory.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const DAY = 86_400_000;

function start(memos = new Map<string, string>(), clock = new VirtualClock()) {
  const at = { network: 'home' as string | null };
  const problems: string[] = [];
  const make = (): NetworkMemory =>
    createNetworkMemory({
      clock,
      log: { note: () => undefined, problem: (event) => problems.push(event) },
      networkId: () => at.network,
      store: {
        getMemo: (key) => Promise.resolve(memos.get(key) ?? null),
        setMemo: (key, value) => {
          if (value === null) memos.delete(key);
          else memos.set(key, value);
          return Promise.resolve();
        },
      },
    });
  const memory = make();
  const silence = (...hosts: readonly string[]): void => {
    for (const host of hosts) memory.noteDirect({ kind: 'silent', host, at: clock.now() });
  };
  const gatewayAnswers = (): void => memory.noteDirect({ kind: 'other-port', at: clock.now() });
  return { memory, make, clock, at, memos, problems, silence, gatewayAnswers };
}

describe('the memory of networks', () => {
  it('calls port 25 blocked when several mail servers were silent while a gateway answered', () => {
    const { memory, silence, gatewayAnswers } = start();
    let told = 0;
    memory.onChange(() => (told += 1));
    gatewayAnswers();
    silence('mx1.a.test', 'mx.b.test', 'mx1.a.test');
    expect(memory.directBlocked()).toBe(false);
    silence('mx.c.test');
    expect([memory.directBlocked(), told]).toEqual([true, 1]);
  });

  it('keeps it a day, for that network alone, through a restart', async () => {
    const { memory, make, clock, at, silence, gatewayAnswers } = start();
    gatewayAnswers();
    silence('a.test', 'b.test', 'c.test');
    at.network = 'hotel';
    expect([memory.directBlocked(), memory.directBlocked('home')]).toEqual([false, true]);
    at.network = 'home';
    const next = make();
    await next.load();
    await clock.advance(DAY - 1000);
    expect(next.directBlocked()).toBe(true);
    await clock.advance(1000);
    expect(next.directBlocked()).toBe(false);
  });

  it('forgets it when a mail server answers, when the user tests again, and when the network is forgotten', () => {
    for (const end of ['answered', 'retest', 'forget'] as const) {
      const { memory, memos, silence, gatewayAnswers } = start();
      gatewayAnswers();
      silence('a.test', 'b.test', 'c.test');
      if (end === 'forget') memory.forget('home');
      else memory.noteDirect({ kind: end });
      expect(memory.directBlocked()).toBe(false);
      if (end === 'forget') expect(memos.size).toBe(0);
    }
  });

  it('asks once in ten minutes whether another port works, if only silence is known', async () => {
    const { memory, clock, silence, gatewayAnswers } = start();
    let asked = 0;
    memory.onDoubt(() => (asked += 1));
    silence('a.test', 'b.test');
    expect(asked).toBe(0);
    silence('c.test', 'd.test');
    expect(asked).toBe(1);
    await clock.advance(11 * 60_000);
    silence('e.test');
    expect(asked).toBe(2);
    gatewayAnswers();
    expect(memory.directBlocked()).toBe(true);
  });

  it('lets IPv4 go first where IPv6 was dead, for a day or until IPv6 answers', async () => {
    const { memory, make, clock, at } = start();
    memory.noteIpv6(false);
    expect(memory.ipv6Works()).toBe(false);
    at.network = 'hotel';
    expect(memory.ipv6Works()).toBe(true);
    at.network = 'home';
    const next = make();
    await next.load();
    expect(next.ipv6Works()).toBe(false);
    next.noteIpv6(true);
    expect(next.ipv6Works()).toBe(true);
    memory.noteIpv6(false);
    await clock.advance(DAY);
    expect(memory.ipv6Works()).toBe(true);
  });

  it('keeps 200 networks, and knows nothing of one without a name', () => {
    const { memory, memos, at } = start();
    for (let n = 0; n < 250; n += 1) {
      at.network = `n${n}`;
      memory.noteIpv6(false);
    }
    expect((JSON.parse(memos.get('network-memory') ?? '[]') as unknown[]).length).toBe(200);
    at.network = null;
    memory.noteIpv6(false);
    expect(memory.ipv6Works()).toBe(true);
  });

  it('starts anew, and says so, if what was kept cannot be read', async () => {
    for (const text of ['{', '[["home",{"direct":{}}]]', '{"home":true}']) {
      const { memory, problems } = start(new Map([['network-memory', text]]));
      await memory.load();
      expect([memory.directBlocked(), problems]).toEqual([false, ['network memory']]);
    }
  });
});
