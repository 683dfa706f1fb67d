import { expect, it } from 'vitest';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import { PATIENCE_MS } from '../support/patience.ts';

describeInLab()('a network that swallows port 25', { timeout: 300_000 }, () => {
  const net = laptopNetwork();

  it('is said in plain words, not tried again, forgotten when the user tests again', async () => {
    const { lab } = net;
    await lab.peer();
    // Everything but the provider's own gateway leads nowhere.
    await lab.swallow('a', true);
    const taken = await net.gateway('a');
    const laptop = await net.program({
      gateways: { ...net.through('a'), mode: 'onError', onErrors: { lan: false, dns: false, smtp: true } },
      // What is swallowed costs this time; the gateway has to answer within it.
      connection: { serverTimeoutSeconds: 10 },
    });
    await lab.plug('a');
    await laptop.statusUntil('the network', ({ network }) => network.online);
    for (const n of [11, 12, 13]) await laptop.submit(`to ${n}`, { to: `bob@[203.0.113.${n}]` });
    const { problems } = await laptop.statusUntil(
      'the words',
      (status) => status.problems.some(({ id }) => id === 'direct-blocked'),
      120_000,
    );
    expect(problems.map(({ phrase }) => phrase.id)).toContain('direct.blocked');
    const known = async (): Promise<boolean | undefined> =>
      (await laptop.api('networks.list', {})).networks.find(({ current }) => current)?.directBlocked;
    expect(await known()).toBe(true);
    for (const n of [11, 12, 13]) await taken.takes(`to ${n}`);

    // From now on the gateway is asked at once.
    await laptop.submit('to 14', { to: 'bob@[203.0.113.14]' });
    await taken.takes('to 14');
    await expect.poll(() => laptop.log(), { timeout: PATIENCE_MS }).toContain('direct-blocked');
    expect(laptop.log()).not.toContain('address=203.0.113.14');

    expect(await laptop.api('networks.retestDirect', {})).toMatchObject({ phrase: { id: 'direct.retesting' } });
    expect(await known()).toBe(false);
    await laptop.statusUntil('the end of the words', (status) => status.problems.length === 0);
  });
});
