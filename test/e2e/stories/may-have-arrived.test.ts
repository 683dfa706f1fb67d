/** Story: a gateway that takes a message to its end and loses the connection. The user sees that it may have arrived. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { eventually, postcast } from '../../support/program.ts';
import { hands } from './hands.ts';
import { handOver, mainWindow, picture, startServers, subjectsAt, type Servers } from './support.ts';

describe('a gateway loses the connection after the final dot', () => {
  let servers: Servers;
  let launched: LaunchedApp;
  let main: Page;
  let id: string;
  const keep = keepUntilEnd();
  const hand = hands.mouse;
  beforeAll(async () => {
    servers = keep(await startServers());
    servers.office.server.become({ message: { then: 'reset' } });
    launched = keep(
      await launchApp({
        name: 'stories/may-have-arrived',
        settings: {
          gateways: { mode: 'always', list: [servers.office.entry, { ...servers.home.entry, enabled: false }] },
          connection: { ...servers.connection, retryMinutes: [0.02] },
        },
      }),
    );
    main = await mainWindow(launched);
  });
  const cli = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await postcast(launched.profile, args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  /** The words about the only recipient. */
  const words = (): Promise<string> => main.getByRole('tabpanel').getByRole('listitem').first().innerText();

  it('three times by the only gateway, then it waits, and says so', async () => {
    await handOver(launched.profile.port, { to: 'bob@customer.test', subject: 'Invitation' });
    await main.getByRole('row', { name: 'Invitation' }).getByText('May have arrived').waitFor();
    await hand.row(main, 'Invitation');
    await eventually('it waits', words).toContain('It waits for another gateway or mail server, for another network');
    expect(subjectsAt(servers.office)).toEqual(['Invitation', 'Invitation', 'Invitation']);
    const said = await words();
    expect(said).toMatch(/^May have arrived\n+bob@customer\.test/);
    expect(said).toContain('It may have arrived, and on this network it is not sent again');
    expect(said).toContain('“Office” is left out: the connection to it was lost three times');
    await picture(launched, main, '1-waits');
  });

  it('the command line says the same, and "send now" does not make a fourth copy', async () => {
    id = /^(\S+)\s+deferred, may have arrived/m.exec(await cli('list'))?.[1] ?? '';
    const attempts = async (): Promise<number> =>
      (JSON.parse(await cli('show', id, '--json')) as { recipients: { attempts: number }[] }).recipients[0]?.attempts ??
      0;
    const before = await attempts();
    await cli('send-now');
    await eventually('it was looked at again', attempts).toBeGreaterThan(before);
    expect(subjectsAt(servers.office)).toHaveLength(3);
    const shown = await cli('show', id);
    expect(shown).toContain('bob@customer.test: deferred, may have arrived, next attempt in ');
    expect(shown).toContain('“Office” is left out: the connection to it was lost three times');
    expect(shown).toContain('It waits for another gateway or mail server');
  });

  it('another gateway gets it once, and nothing is in doubt any more', async () => {
    const list = [servers.office.entry, { ...servers.home.entry, enabled: true }];
    await cli('settings', 'set', 'gateways.list', JSON.stringify(list));
    await eventually('it is with the other one', () => subjectsAt(servers.home)).toEqual(['Invitation']);
    await main.getByText('Nothing is waiting').first().waitFor();
    await hand.folder(main, 'Sent');
    await hand.row(main, 'Invitation');
    await eventually('it is relayed', words).toMatch(/^Relayed\n+bob@customer\.test/);
    expect(await words()).not.toContain('may have arrived');
    expect(await cli('show', id)).toContain('bob@customer.test: relayed\n');
    expect(subjectsAt(servers.office)).toHaveLength(3);
    await picture(launched, main, '2-settled');
  });

  it('given up at its limit it is in Bad, and may have arrived all the same', async () => {
    await cli('settings', 'set', 'gateways.list', JSON.stringify([servers.office.entry]));
    await cli('settings', 'set', 'administration.undeliverableAfter', JSON.stringify({ value: 5, unit: 'attempts' }));
    await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Offer' });
    await hand.folder(main, 'Bad');
    await main.getByRole('row', { name: 'Offer' }).getByText('May have arrived').waitFor();
    await hand.row(main, 'Offer');
    await eventually('its words', words).toMatch(/^Bad\n+May have arrived\n+carol@customer\.test/);
    expect(await words()).toContain('Given up: it could not be delivered within the limit');
    expect(await words()).toContain('It may have arrived');
    expect(subjectsAt(servers.office).filter((subject) => subject === 'Offer')).toHaveLength(3);
    expect(await cli('list', '--folder', 'bad')).toMatch(/bad, may have arrived/);
    await picture(launched, main, '3-bad');
  });
});
