/** Story: a slip of the pen in settings.json. Nothing leaves by a way that the user did not mean, and he is told why. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AppStatus } from '../../../shared/status.ts';
import { startScriptedServer, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../../support/dnsmasq.ts';
import { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { eventually, makeProfile, postcast, postcastJson, type TestProfile } from '../../support/program.ts';
import { handOver, mainWindow, picture, row, startServers, subjectsAt, type Servers } from './support.ts';

/** Puts other words into settings.json, as an editor does. */
async function edit(profile: TestProfile, change: (text: string) => string): Promise<void> {
  const file = path.join(profile.folder, 'settings.json');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

const NOT_WORKING = 'Nothing is sent until settings that cannot be read are put right.';

describe.skipIf(!canRunDnsmasq())('“allways” is written where the mode stands', () => {
  let servers: Servers;
  let mx: ScriptedServer;
  let profile: TestProfile;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    servers = keep(await startServers());
    mx = keep(await startScriptedServer({ greeting: '220 mx.customer.test ESMTP' }));
    // Directly the message would arrive: the domain has a mail server that takes everything.
    const dns = keep(
      await startDnsmasq(['mx-host=customer.test,mx.customer.test,10', 'host-record=mx.customer.test,127.0.0.1']),
    );
    profile = await makeProfile({
      gateways: { mode: 'always', list: [servers.office.entry] },
      connection: { dnsServers: [dns.server], directPort: mx.port, trustLoopbackMx: true, retryMinutes: [0.05] },
    });
    keep({ close: () => profile.remove() });
    await edit(profile, (text) => text.replace('"always"', '"allways"'));
    launched = keep(await launchApp({ name: 'stories/unreadable-settings', profile }));
    main = await mainWindow(launched);
  });

  it('holds the message, and the window says which value cannot be read', async () => {
    await handOver(profile.port, { to: 'carol@customer.test', subject: 'Report' });
    await row(main, 'Report').waitFor();
    const bar = main.getByRole('region', { name: 'Problems' });
    await bar.getByText('gateways.mode: “allways”').waitFor();
    await main.getByRole('contentinfo').getByText('gateways.mode').waitFor();
    await row(main, 'Report').click();
    await main.getByRole('tabpanel').getByText(NOT_WORKING).waitFor();
    await picture(launched, main, '1-held');
    const said = (await postcast(profile, ['status'])).stdout;
    expect(said).toContain('gateways.mode: “allways”');
    expect((await postcastJson<AppStatus>(profile, ['status'])).hold).toBe('settings');
  });

  it('does not give way to Send now, to another setting, or to a restart', async () => {
    expect((await postcast(profile, ['send-now'])).stdout).toContain(NOT_WORKING);
    expect((await postcast(profile, ['settings', 'set', 'general.theme', 'light'])).code).toBe(0);
    expect((await profile.settings())['gateways']?.['mode']).toBe('allways');
    await launched.close();
    launched = keep(await launchApp({ name: 'stories/unreadable-settings', profile }));
    main = await mainWindow(launched);
    await main.getByText('gateways.mode: “allways”').first().waitFor();
    await row(main, 'Report').waitFor();
    expect((await postcastJson<AppStatus>(profile, ['status'])).hold).toBe('settings');
  });

  it('goes through the gateway, and only there, once the value is put right by hand', async () => {
    await edit(profile, (text) => text.replace('"allways"', '"always"'));
    await eventually('the gateway has it', () => subjectsAt(servers.office)).toEqual(['Report']);
    await main.getByText('gateways.mode: “allways”').first().waitFor({ state: 'detached' });
    expect(mx.sessions).toHaveLength(0);
  });

  it('is told again for the next slip, and the button decides it', async () => {
    await edit(profile, (text) => text.replace('"always"', '"allways"'));
    await main.getByText('gateways.mode: “allways”').first().waitFor();
    await handOver(profile.port, { to: 'carol@customer.test', subject: 'Second report' });
    await row(main, 'Second report').waitFor();
    await main.getByRole('button', { name: 'Use “always” and go on' }).click();
    await eventually('the gateway has it', () => subjectsAt(servers.office)).toEqual(['Report', 'Second report']);
    await main.getByText('gateways.mode: “allways”').first().waitFor({ state: 'detached' });
    expect((await profile.settings())['gateways']?.['mode']).toBe('always');
    expect(mx.sessions).toHaveLength(0);
  });
});

describe('the whole file cannot be read, and another stands in its place', () => {
  let servers: Servers;
  let profile: TestProfile;
  let launched: LaunchedApp;
  let main: Page;
  const keep = keepUntilEnd();
  const SAID = 'The settings file could not be read.';
  beforeAll(async () => {
    servers = keep(await startServers());
    profile = await makeProfile({ gateways: { mode: 'always', list: [servers.office.entry] } });
    keep({ close: () => profile.remove() });
    // As the program leaves it: with its default settings it would not keep to loopback.
    await edit(profile, (text) => text.replace('{', '{"undecided":"settings.json.broken-2026-11-27T10-00-00-000Z",'));
    launched = keep(await launchApp({ name: 'stories/unreadable-settings', profile }));
    main = await mainWindow(launched);
  });

  it('holds the message, and the window asks for a decision', async () => {
    await handOver(profile.port, { to: 'carol@customer.test', subject: 'Report' });
    await row(main, 'Report').waitFor();
    await main.getByRole('region', { name: 'Problems' }).getByText(SAID).waitFor();
    await picture(launched, main, '2-undecided');
    expect((await postcast(profile, ['status'])).stdout).toContain(SAID);
  });

  it('goes on once the user says so', async () => {
    await main.getByRole('button', { name: 'Use the settings as they are and go on' }).click();
    await eventually('the gateway has it', () => subjectsAt(servers.office)).toEqual(['Report']);
    expect(Object.keys(await profile.settings())).not.toContain('undecided');
  });
});
