import { expect, it } from 'vitest';
import { createNetworkLab, labMissing, networkOf } from '../support/netns.ts';
import { bundleProgram, startGateway, startProgramInLab } from '../support/laptop.ts';

const missing = labMissing();
if (missing !== null) console.warn(`network laboratory skipped: ${missing}`);

it.skipIf(missing !== null)(
  'a network that swallows port 25: said in plain words, not tried again, forgotten when the user tests again',
  async () => {
    const bundle = await bundleProgram();
    const lab = await createNetworkLab();
    try {
      await lab.peer();
      // Everything but the provider's own gateway leads nowhere.
      await lab.swallow('a', true);
      const { namespace, gateway } = lab.isps.a;
      const taken = await startGateway(lab, { namespace, address: gateway, customers: networkOf(lab.isps.a) });
      const laptop = await startProgramInLab(lab, bundle, {
        gateways: {
          mode: 'onError',
          onErrors: { lan: false, dns: false, smtp: true },
          list: [{ id: 'a', name: 'Provider', host: gateway }],
        },
        connection: { serverTimeoutSeconds: 5 },
      });
      try {
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
        for (const n of [11, 12, 13]) await taken.until(`to ${n}`, (line) => line.id === `to ${n}`, 30_000);

        // From now on the gateway is asked at once.
        await laptop.submit('to 14', { to: 'bob@[203.0.113.14]' });
        await taken.until('to 14', (line) => line.id === 'to 14', 30_000);
        await expect.poll(() => laptop.log(), { timeout: 30_000 }).toContain('direct-blocked');
        expect(laptop.log()).not.toContain('address=203.0.113.14');

        expect(await laptop.api('networks.retestDirect', {})).toMatchObject({ phrase: { id: 'direct.retesting' } });
        expect(await known()).toBe(false);
        await laptop.statusUntil('the end of the words', (status) => status.problems.length === 0);
      } finally {
        await laptop.stop();
      }
    } finally {
      await lab.close();
      await bundle.remove();
    }
  },
  300_000,
);
