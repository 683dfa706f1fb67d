/** Files that a user saves from the windows: nothing that was there is lost, whatever fails. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import nodemailer from 'nodemailer';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import type { Result } from '../../shared/result.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import { postcastJson } from '../support/program.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'saving-'));
let launched: LaunchedApp;
let window: Page;
let id = '';

const keep = keepUntilEnd();
beforeAll(async () => {
  keep({ close: () => rmSync(folder, { recursive: true, force: true }) });
  launched = keep(await launchApp({ name: 'saving', settings: { gateways: { mode: 'always' } } }));
  window = await launched.firstWindow();
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: launched.profile.port, ignoreTLS: true });
  await transport.sendMail({
    from: 'ann@laptop.test',
    to: 'bob@customer.test',
    subject: 'Minutes',
    text: 'Hello',
    attachments: [{ filename: 'minutes.txt', content: 'as agreed' }],
  });
  transport.close();
  const { rows } = await postcastJson<{ rows: { id: string }[] }>(launched.profile, ['list']);
  id = rows[0]?.id ?? '';
});

/** What the page is answered when the user chooses this file in the system's dialog; and how the dialog was asked for. */
async function save(
  call: readonly [string, object],
  file: string,
): Promise<{ readonly answer: Result<{ readonly saved: boolean }>; readonly asked: Record<string, unknown> }> {
  await launched.app.evaluate(({ dialog }, filePath) => {
    // The real one cannot be pressed from here: it is the desktop's.
    dialog.showSaveDialog = async (...args: readonly unknown[]) => {
      (globalThis as { saveAsked?: unknown }).saveAsked = args.at(-1);
      return Promise.resolve({ canceled: false, filePath });
    };
  }, file);
  const answer = await window.evaluate(
    async ([name, input]) =>
      (globalThis as unknown as { postcast: { call(name: string, input: object): Promise<never> } }).postcast.call(
        name,
        input,
      ),
    call,
  );
  const asked = await launched.app.evaluate(() => (globalThis as { saveAsked?: unknown }).saveAsked);
  return { answer, asked: asked as Record<string, unknown> };
}

it('the system is told to ask before it replaces a file, and an agreed replacement is whole', async () => {
  const file = path.join(folder, 'minutes.txt');
  writeFileSync(file, 'something old, and longer than what replaces it');
  writeFileSync(`${file}.part`, 'of the user');
  const { answer, asked } = await save(['app.saveAttachment', { id, index: 0 }], file);
  expect(answer).toEqual({ ok: true, value: { saved: true } });
  expect(asked['properties']).toContain('showOverwriteConfirmation');
  expect(readFileSync(file, 'utf8')).toBe('as agreed');
  expect(readFileSync(`${file}.part`, 'utf8')).toBe('of the user');
  const message = path.join(folder, 'Minutes.eml');
  expect((await save(['app.saveMessage', { id }], message)).answer).toEqual({ ok: true, value: { saved: true } });
  expect(readFileSync(message, 'utf8')).toContain('Subject: Minutes\r\n');
  expect(readdirSync(folder).sort()).toEqual(['Minutes.eml', 'minutes.txt', 'minutes.txt.part']);
});

it('what cannot be written is said in words, and nothing is touched', async () => {
  for (const [file, code] of [
    [path.join(folder, 'nowhere', 'x.txt'), 'ENOENT'],
    [folder, 'EISDIR'],
    ['/dev/full', 'ENOSPC'],
  ] as const) {
    const { answer } = await save(['app.saveText', { suggestedName: 'settings.json', text: '{}' }], file);
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'disk', message: expect.stringContaining(code) as string },
    });
  }
  // The program is still there.
  expect(
    (await save(['app.saveText', { suggestedName: 'a.txt', text: 'x' }], path.join(folder, 'a.txt'))).answer,
  ).toEqual({
    ok: true,
    value: { saved: true },
  });
  expect(readdirSync(folder).sort()).toEqual(['Minutes.eml', 'a.txt', 'minutes.txt', 'minutes.txt.part']);
});
