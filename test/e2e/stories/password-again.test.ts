/**
 * Story: the server of a gateway is changed, by command line, by hand in the file, by an import. The stored password goes
 * nowhere but where it was given for; the program asks for it, and once it is entered what waits goes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import type { AppStatus } from '../../../shared/status.ts';
import { say } from '../../../shared/phrases.ts';
import { offering, startScriptedServer, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { keepUntilEnd } from '../../support/kept.ts';
import { launchApp, type LaunchedApp } from '../../support/launch-app.ts';
import { eventually, postcast, postcastJson } from '../../support/program.ts';
import { handOver, mainWindow, openSettings, picture } from './support.ts';

const OLD = 'given to the old one';
const NEW = 'given to the new one';

const keep = keepUntilEnd();
let old: ScriptedServer;
let moved: ScriptedServer;
let stranger: ScriptedServer;
let launched: LaunchedApp;
let main: Page;

const server = async (): Promise<ScriptedServer> =>
  keep(await startScriptedServer({ EHLO: offering('AUTH PLAIN'), AUTH: '235 2.7.0 ok' }));
const shown = ({ sessions }: ScriptedServer): readonly string[] =>
  sessions
    .flatMap((session) => session.lines)
    .filter((line) => line.startsWith('AUTH '))
    .map((line) => Buffer.from(line.slice(11), 'base64').toString().split('\0')[2] ?? '');
const outbox = async (): Promise<number> => (await postcastJson<AppStatus>(launched.profile, ['status'])).counts.outbox;
const problems = async (): Promise<string> =>
  (await postcastJson<AppStatus>(launched.profile, ['status'])).problems.map((one) => say(one.phrase)).join('\n');
const handIn = (subject: string) => handOver(launched.profile.port, { to: 'bob@far.test', subject });
const took = (at: ScriptedServer, subject: string): number =>
  at.messages().filter((text) => text.includes(`Subject: ${subject}`)).length;

beforeAll(async () => {
  [old, moved, stranger] = [await server(), await server(), await server()];
  const office = { id: 'office', name: 'Office', host: '127.0.0.1', port: old.port, security: 'none' };
  launched = keep(
    await launchApp({
      name: 'stories/password-again',
      settings: {
        gateways: {
          mode: 'always',
          list: [{ ...office, auth: 'password', username: 'ann', allowInsecureAuth: true, priority: 'normal' }],
        },
      },
    }),
  );
  main = await mainWindow(launched);
  const stored = await postcast(launched.profile, ['secret', 'set', 'office', '--accept-obfuscated'], OLD);
  expect(stored).toMatchObject({ code: 0 });
});

it('after `postcast settings set` the new server hears nothing, and window and command line ask for the password', async () => {
  await handIn('on its way');
  await eventually('the old server has it', () => took(old, 'on its way')).toBe(1);
  expect(shown(old)).toContain(OLD);
  const port = String(moved.port);
  expect(await postcast(launched.profile, ['settings', 'set', 'gateways.list.office.port', port])).toMatchObject({
    code: 0,
  });
  await handIn('waits');
  const asked = `the server was changed from 127.0.0.1:${old.port} to 127.0.0.1:${port}`;
  await eventually('the program asks', problems).toContain(asked);
  expect((await postcast(launched.profile, ['status'])).stdout).toContain(asked);
  await main.getByText(asked).first().waitFor();
  await eventually('it waits', outbox).toBe(1);
  await picture(launched, main, '1-asked');
});

it('the dialog says so beside the field; Test without it sends none; with it, what waits goes', async () => {
  const settings = await openSettings(launched, main);
  await settings.getByRole('button', { name: 'Edit Office' }).click();
  const dialog = settings.getByRole('dialog', { name: 'Edit gateway' });
  await dialog.getByText(/The password has to be entered again, because the server was changed/).waitFor();
  await picture(launched, settings, '2-field');
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('This gateway does not work', { exact: false }).waitFor();
  expect(shown(moved)).toEqual([]);
  await dialog.getByLabel('Password').fill(NEW);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await settings.getByRole('button', { name: 'Store it obfuscated' }).click();
  await dialog.waitFor({ state: 'detached' });
  await eventually('what waited has gone', () => took(moved, 'waits')).toBe(1);
  await eventually('nobody is asked any more', problems).not.toContain('needed again');
  expect([new Set(shown(old)), new Set(shown(moved))]).toEqual([new Set([OLD]), new Set([NEW])]);
  await settings.close();
});

it.each<readonly [string, (change: (text: string) => string) => Promise<void>]>([
  [
    'edited by hand',
    (change) => {
      const file = path.join(launched.profile.folder, 'settings.json');
      writeFileSync(file, change(readFileSync(file, 'utf8')));
      return Promise.resolve();
    },
  ],
  [
    'imported',
    async (change) => {
      const { stdout } = await postcast(launched.profile, ['settings', 'export']);
      expect(await postcast(launched.profile, ['settings', 'import', '-'], change(stdout))).toMatchObject({ code: 0 });
    },
  ],
])('settings that were %s do not lead it elsewhere; put back, they have it again', async (way, bring) => {
  const there = `"port": ${moved.port}`;
  const elsewhere = `"port": ${stranger.port}`;
  await bring((text) => text.replace(there, elsewhere));
  await eventually('the program asks', problems).toContain(`to 127.0.0.1:${stranger.port}`);
  const subject = `while ${way}`;
  await handIn(subject);
  await eventually('it waits', outbox).toBe(1);
  await bring((text) => text.replace(elsewhere, there));
  await eventually('it has gone', () => took(moved, subject)).toBe(1);
  expect(shown(stranger)).toEqual([]);
});
