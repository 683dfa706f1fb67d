/** settings.json is damaged, or holds what cannot be read (standards §3, spec §3.5): the whole program, real servers. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { openSettingsFile } from '../../main/settings/settings-file.ts';
import { defaultSettings, type Settings } from '../../shared/settings.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';
import { startScriptedServer, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { builtProgram, endWithTest, tempFolder } from '../support/fault-rig.ts';
import type { ProgramRig } from '../support/program-rig.ts';
import { submit } from '../support/smtp-load.ts';

const built = builtProgram();
const problemIds = (rig: ProgramRig): readonly string[] => rig.program.status().problems.map((p) => p.phrase.id);

const TO = { to: 'bob@far.test' };

describe('settings.json', () => {
  const good = JSON.stringify({ gateways: { mode: 'always' }, general: { future: 'kept' }, elsewhere: { a: 1 } });
  test.each([
    ['cut', good.slice(0, 40)],
    ['empty', ''],
    ['HTML', '<html><body>Sign in</body></html>'],
    ['a list', '[1,2,3]'],
  ])('%s: runs with defaults, the file is kept aside and the user told', async (_, text) => {
    const profile = tempFolder();
    writeFileSync(path.join(profile, 'settings.json'), text);
    const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
    const rig = await built.start({ profile, parts: { settings: quiet(settings) } });
    expect(await submit(rig.port, 's')).toMatch(/^250/);
    expect(problemIds(rig)).toEqual(['problem.settingsSetAside']);
    const aside = readdirSync(profile).filter((name) => name.startsWith('settings.json.broken-'));
    expect(aside).toHaveLength(1);
    expect(readFileSync(path.join(profile, aside[0] ?? ''), 'utf8')).toBe(text);
  });

  test('wrong types: the other values stand, unknown keys survive', async () => {
    const profile = tempFolder();
    const text = JSON.stringify({
      gateways: { mode: 7, headStartMs: 'soon', list: 'none' },
      server: { maxMessageBytes: null },
      administration: { undeliverableAfter: { value: 9, unit: 'fortnights' } },
      general: { future: 'kept', keepSent: 12 },
      elsewhere: { a: 1 },
    });
    writeFileSync(path.join(profile, 'settings.json'), text);
    const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
    const rig = await built.start({ profile, parts: { settings: quiet(settings) } });
    expect(await submit(rig.port, 's')).toMatch(/^250/);
    expect(settings.get()).toMatchObject({
      gateways: { mode: 'always', list: [] },
      administration: { undeliverableAfter: { value: 9 } },
      general: { future: 'kept', keepSent: 12 },
      elsewhere: { a: 1 },
    });
    expect(readFileSync(path.join(profile, 'settings.json'), 'utf8')).toBe(text);
    expect(rig.program.status().problems.map((p) => p.phrase)).toEqual([
      { id: 'problem.settingsHeld', params: { values: expect.stringContaining('gateways.mode') as string } },
      { id: 'problem.settingsWrong', params: { values: expect.stringContaining('gateways.headStartMs') as string } },
    ]);
  });

  // Directly the message would arrive: a resolver and a mail server that take everything.
  describe.skipIf(!canRunDnsmasq())('mail that was for gateways only', () => {
    let direct: ScriptedServer;
    let office: ScriptedServer;
    let reach: Settings['connection'];
    beforeEach(async () => {
      direct = endWithTest(await startScriptedServer({}));
      office = endWithTest(await startScriptedServer({}));
      const dns = endWithTest(
        await startDnsmasq(['mx-host=far.test,mx.far.test,10', 'host-record=mx.far.test,127.0.0.1']),
      );
      reach = {
        ...defaultSettings().connection,
        ...{ dnsServers: [dns.server], directPort: direct.port, trustLoopbackMx: true, retryMinutes: [0.02] },
      };
    });
    const whole = (): string =>
      JSON.stringify({
        gateways: {
          mode: 'always',
          list: [{ id: 'office', name: 'Office', host: '127.0.0.1', port: office.port, security: 'none' }],
        },
      });

    test.each<[string, (text: string) => string, string]>([
      ['the mode is misspelt', (text) => text.replace('always', 'allways'), 'problem.settingsHeld'],
      ['the file is cut in half', (text) => text.slice(0, text.length / 2), 'problem.settingsSetAside'],
      ['the file is empty', () => '', 'problem.settingsSetAside'],
      ['the file is a web page', () => '<html><body>Sign in</body></html>', 'problem.settingsSetAside'],
    ])('%s: stays, is told, and goes through the gateway once that is mended', async (_, spoil, told) => {
      const profile = tempFolder();
      const file = path.join(profile, 'settings.json');
      writeFileSync(file, spoil(whole()));
      const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
      endWithTest(settings);
      const rig = await built.start({ profile, parts: { settings: quiet(settings, reach) } });
      await settings.watch();
      expect(await submit(rig.port, 's', TO)).toMatch(/^250/);
      // What is held is not even tried: the user's wish that it goes now is answered with the reason.
      const sent = await rig.program.api['control.sendNow']({});
      expect(sent).toMatchObject({ ok: true, value: { count: 0, phrase: { id: 'hold.settings' } } });
      const { hold, state } = rig.program.status();
      expect([hold, state]).toEqual(['settings', 'attention']);
      expect(await rig.program.api['queue.folders']({})).toMatchObject({ ok: true, value: { outbox: 1 } });
      expect(problemIds(rig)).toEqual([told]);
      await rig.program.api['control.dismissProblem']({ id: 'settings' });
      expect(problemIds(rig)).toEqual([told]);
      writeFileSync(file, whole());
      await expect.poll(() => office.messages().length, { timeout: 30_000 }).toBe(1);
      await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual([]);
      expect(direct.sessions).toHaveLength(0);
    });

    test('a file cut in half while the program runs changes nothing: the settings from before are in use', async () => {
      const profile = tempFolder();
      const file = path.join(profile, 'settings.json');
      writeFileSync(file, whole());
      const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
      endWithTest(settings);
      const rig = await built.start({ profile, parts: { settings: quiet(settings, reach) } });
      await settings.watch();
      writeFileSync(file, whole().slice(0, 40));
      await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual(['problem.settingsUnreadable']);
      expect(await submit(rig.port, 's', TO)).toMatch(/^250/);
      await expect.poll(() => office.messages().length, { timeout: 30_000 }).toBe(1);
      expect(direct.sessions).toHaveLength(0);
    });

    test('"use the settings as they are" is a decision: it goes as they say', async () => {
      const profile = tempFolder();
      writeFileSync(path.join(profile, 'settings.json'), whole().slice(0, 40));
      const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
      endWithTest(settings);
      const rig = await built.start({ profile, parts: { settings: quiet(settings, reach) } });
      expect(await submit(rig.port, 's', TO)).toMatch(/^250/);
      expect(rig.program.status().hold).toBe('settings');
      expect(await rig.program.api['settings.goOn']({})).toMatchObject({ ok: true });
      await expect.poll(() => direct.messages().length, { timeout: 30_000 }).toBe(1);
      expect(problemIds(rig)).toEqual([]);
    });
  });

  test('made unreadable by hand while it runs: the user is told, until it can be read again', async () => {
    const profile = tempFolder();
    writeFileSync(path.join(profile, 'settings.json'), good);
    const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
    const rig = await built.start({ profile, parts: { settings: quiet(settings) } });
    expect(problemIds(rig)).toEqual([]);
    await settings.watch();
    try {
      writeFileSync(path.join(profile, 'settings.json'), good.slice(0, 40));
      await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual(['problem.settingsUnreadable']);
      expect(settings.get()).toMatchObject({ gateways: { mode: 'always' } });
      writeFileSync(path.join(profile, 'settings.json'), good);
      await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual([]);
    } finally {
      settings.close();
    }
  });

  test.each([
    ['whole: goes at the start', good, ['gateway:never']],
    ['cut: stays, its gateway may come back', good.slice(0, 40), []],
  ])('a password that belongs to nothing, settings %s', async (_, text, gone) => {
    const profile = tempFolder();
    writeFileSync(path.join(profile, 'settings.json'), text);
    const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
    const kept = ['gateway:never', 'of another kind'];
    const secrets = memorySecrets(Object.fromEntries(kept.map((name) => [name, 'x'])));
    const rig = await built.start({ profile, parts: { settings: quiet(settings), secrets } });
    expect(await submit(rig.port, 's')).toMatch(/^250/);
    expect(kept.filter((name) => !secrets.has(name))).toEqual(gone);
  });

  test('a list of gateways that cannot be read while the program runs costs no gateway its password', async () => {
    const profile = tempFolder();
    const file = path.join(profile, 'settings.json');
    const withList = (list: unknown): string => JSON.stringify({ gateways: { mode: 'always', list } });
    const list = [{ id: 'office', name: 'Office', host: '127.0.0.1', auth: 'password', username: 'ann' }];
    writeFileSync(file, withList(list));
    const settings = openSettingsFile({ profile, now: () => Date.now(), note: () => undefined });
    endWithTest(settings);
    const secrets = memorySecrets({ 'gateway:office': 'hush' });
    const rig = await built.start({ profile, parts: { settings: quiet(settings), secrets } });
    await settings.watch();
    writeFileSync(file, withList('none'));
    await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual(['problem.settingsHeld']);
    writeFileSync(file, withList(list));
    await expect.poll(() => problemIds(rig), { timeout: 30_000 }).not.toContain('problem.settingsHeld');
    expect(secrets.has('gateway:office')).toBe(true);
    // What the user takes out himself goes, as ever.
    writeFileSync(file, withList([]));
    await expect.poll(() => secrets.has('gateway:office'), { timeout: 30_000 }).toBe(false);
  });

  /** As read, but on any free port, and asking nobody. */
  function quiet(
    file: ReturnType<typeof openSettingsFile>,
    connection: Partial<Settings['connection']> = { dnsServers: ['127.0.0.1:9'] },
  ): ReturnType<typeof openSettingsFile> {
    const asTests = (): Settings => {
      const settings = file.get();
      return {
        ...settings,
        server: { ...settings.server, host: ['127.0.0.1'], port: 0 },
        connection: { ...settings.connection, ...connection },
      };
    };
    return {
      ...file,
      setAside: file.setAside,
      get problems() {
        return file.problems;
      },
      get message() {
        return file.message;
      },
      get undecided() {
        return file.undecided;
      },
      get: asTests,
      onChange: (listener) => file.onChange(() => listener(asTests())),
      replace: (next, touched) => file.replace({ ...(next as Settings), server: file.get().server }, touched),
    };
  }
});
