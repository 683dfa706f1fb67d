/**
 * A laptop whose network's name server knows no names, or has one address for all of them (spec §4.4), in real Electron: what
 * its user sees, and where his mail goes.
 */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MessageRow } from '../../shared/mail.ts';
import { startScriptedServer, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import { onFreePort } from '../support/ports.ts';
import { eventually, postcast, postcastJson } from '../support/program.ts';
import { handOver, mainWindow, openFolder, openSettings, row } from './stories/support.ts';

const MX = '127.0.22.1';
/** What a hotel's name server leads to: it takes all mail, too. */
const CATCHER = '127.0.22.2';
const MOODS = {
  'no names': ['address=/#/'],
  'one address': [`address=/#/${CATCHER}`],
  zone: ['local=/#/', 'mx-host=far.test,mx.far.test,10', 'mx-host=laptop.test,mx.far.test,10', `host-record=mx.far.test,${MX}`],
} as const; // prettier-ignore

describe.skipIf(!canRunDnsmasq())('a network whose names cannot be believed', () => {
  const keep = keepUntilEnd();
  let mx: ScriptedServer;
  let catcher: ScriptedServer;
  let launched: LaunchedApp;
  let main: Page;
  let dns: Awaited<ReturnType<typeof startDnsmasq>> | undefined;

  /** The same name server, in another mood. */
  const become = async (mood: keyof typeof MOODS): Promise<string> => {
    const at = dns?.server;
    await dns?.close();
    dns = await startDnsmasq(MOODS[mood], at);
    return dns.server;
  };
  keep({ close: () => dns?.close() });

  beforeAll(async () => {
    const server = await become('no names');
    mx = await onFreePort(
      async (port) => {
        const real = keep(await startScriptedServer({}, { host: MX, port }));
        catcher = keep(await startScriptedServer({}, { host: CATCHER, port }));
        return real;
      },
      [MX, CATCHER],
    );
    launched = keep(
      await launchApp({
        name: 'names',
        settings: {
          gateways: { mode: 'never' },
          connection: { dnsServers: [server], directPort: mx.port, trustLoopbackMx: true, retryMinutes: [60] },
        },
      }),
    );
    main = await mainWindow(launched);
  });

  const messages = (folder: string): Promise<readonly string[]> =>
    postcastJson<{ readonly rows: readonly MessageRow[] }>(launched.profile, ['list', '--folder', folder]).then(
      ({ rows }) => rows.map(({ subject }) => subject),
    );
  const handIn = (subject: string, to = 'bob@far.test'): Promise<void> =>
    handOver(launched.profile.port, { to, subject });
  const taken = (): number => mx.messages().length;

  it('knows no name: the mail waits in the Outbox, with the reason in words, and nothing counts', async () => {
    await handIn('No names');
    await row(main, 'No names').click();
    await main
      .getByRole('tabpanel')
      .getByText("this network's name server knows no names, not even common ones")
      .waitFor();
    await main.getByText("This network's name server knows no names. Mail that goes directly waits").first().waitFor();
    await launched.screenshot(main, '1-no-names');
    const { stdout } = await postcast(launched.profile, ['status']);
    expect(stdout).toMatch(/knows no names/);
    const [{ id } = { id: '' }] = (
      await postcastJson<{ readonly rows: readonly MessageRow[] }>(launched.profile, ['list', '--folder', 'outbox'])
    ).rows;
    expect(await postcastJson(launched.profile, ['show', id])).toMatchObject({
      folder: 'outbox',
      recipients: [{ state: 'deferred', attempts: 0 }],
    });
    const settings = await openSettings(launched, main);
    await settings.getByRole('link', { name: 'Networks' }).click();
    await settings.getByText('The name server here knows no names: direct delivery waits.').waitFor();
    await launched.screenshot(settings, '2-networks');
    await settings.close();
  });

  it('knows names again: the mail goes by itself', async () => {
    await become('zone');
    await eventually('it has arrived', taken).toBe(1);
    await eventually('the Outbox is empty', () => messages('outbox')).toEqual([]);
    await eventually('the notice is gone', () =>
      main.getByText("This network's name server knows no names.").count(),
    ).toBe(0);
  });

  it('has one address for all: nobody there is given any mail, and nothing of that is believed afterwards, 12 of 12 times', async () => {
    const before = taken();
    for (let round = 1; round <= 12; round += 1) {
      await become('one address');
      // What was known before is as old as its network.
      await postcast(launched.profile, ['send-now']);
      await handIn(`One address ${round}`);
      await eventually('it was tried', async () => (await postcast(launched.profile, ['status'])).stdout).toMatch(
        /one address to all names/,
      );
      expect(await messages('outbox')).toEqual([`One address ${round}`]);
      await become('zone');
      await postcast(launched.profile, ['send-now']);
      await eventually('it has arrived', taken).toBe(before + round);
    }
    expect(catcher.sessions).toHaveLength(0);
    expect(await messages('bounced')).toEqual([]);
  });

  it('is sane: a single mistyped domain fails at once', async () => {
    await handIn('Mistyped', 'bob@mistyped.test');
    await eventually('it is Bounced', () => messages('bounced')).toEqual(['Mistyped']);
    await openFolder(main, 'Bounced');
    await row(main, 'Mistyped').click();
    await main.getByRole('tabpanel').getByText('The domain mistyped.test does not exist, or takes no mail.').waitFor();
    await launched.screenshot(main, '3-mistyped');
  });
});
