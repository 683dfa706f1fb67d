/** What `postcast sendmail` took comes into the queue whatever happens, or the user is told where it is (spec §10). */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { sendmail } from '../../app/cli/sendmail.ts';
import { encodeEnvelope } from '../../main/maildrop/drop-file.ts';
import { say } from '../../shared/phrases.ts';
import { builtProgram, NOWHERE, tempFolder } from '../support/fault-rig.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { gatewaysAt } from '../support/program-parts.ts';
import type { ProgramRig } from '../support/program-rig.ts';
import { startLoadSink, type LoadSink } from '../support/smtp-load.ts';

const MIB = 1024 * 1024;
const isRoot = process.getuid?.() === 0;
const built = builtProgram();
let sink: LoadSink;
const keep = keepUntilEnd();
beforeAll(async () => {
  sink = keep(await startLoadSink());
});

const subjects = async (rig: ProgramRig): Promise<readonly string[]> => {
  const found = await rig.program.api['queue.list']({
    ...{ folder: 'outbox', search: '', sort: 'age', descending: false, offset: 0, limit: 100 },
  });
  return found.ok ? found.value.rows.map((row) => row.subject) : [];
};
const problems = (rig: ProgramRig): readonly string[] =>
  rig.program.status().problems.map((problem) => say(problem.phrase));

/** As an older version left it, without asking for limits. */
function dropped(profile: string, name: string, subject: string, recipients: readonly string[], body = ''): void {
  const folder = path.join(profile, 'maildrop', 'new');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const envelope = encodeEnvelope({ version: 1, mailFrom: 'ann@home.test', recipients, uid: 0 });
  writeFileSync(path.join(folder, name), `${envelope}Subject: ${subject}\r\nX-Load: ${subject}\r\n\r\n${body}`);
}
const waiting = (profile: string): readonly string[] => readdirSync(path.join(profile, 'maildrop', 'new'));

/** The command line, in this process: the running program is not told, as it has no socket here. */
async function dropBy(profile: string, subject: string, recipients: readonly string[]): Promise<number> {
  return sendmail(['--profile', profile, '-f', 'ann@home.test', ...recipients], {
    input: (async function* () {
      yield Buffer.from(`Subject: ${subject}\n\nx\n`);
      await Promise.resolve();
    })(),
    error: () => undefined,
    out: async () => Promise.resolve(),
  });
}
const people = (count: number, length = 6): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${String(i).padStart(length, 'r')}@example.test`);

test('drops that can never be queued, or not be read now, stand between good ones: those go, the others are told', async () => {
  const profile = tempFolder();
  dropped(profile, '1', 'first', ['bob@example.test']);
  dropped(profile, '2', 'too many', people(70_000));
  dropped(profile, '3', 'second', ['bob@example.test']);
  writeFileSync(path.join(profile, 'maildrop', 'new', '4'), 'damaged');
  dropped(profile, '5', 'third', ['bob@example.test']);
  const rig = await built.start({ profile, settings: NOWHERE });
  await expect.poll(() => subjects(rig)).toEqual(['first', 'second', 'third']);
  await expect.poll(() => waiting(profile)).toEqual([]);
  await expect.poll(() => problems(rig)).toHaveLength(1);
  expect(problems(rig)[0]).toContain(`2 messages`);
  expect(problems(rig)[0]).toContain(path.join(profile, 'maildrop', 'bad'));
  expect(readdirSync(path.join(profile, 'maildrop', 'bad'))).toEqual(['2', '4']);
  expect(rig.program.status().state).toBe('attention');
});

test('what the command line answers with 0 is queued, and what it cannot be it refuses: 40,000 recipients, 70,000', async () => {
  const profile = tempFolder();
  const rig = await built.start({ profile, settings: NOWHERE });
  expect(await dropBy(profile, 'many', people(40_000, 30))).toBe(0);
  expect(await dropBy(profile, 'too many', people(70_000))).toBe(69);
  expect(await rig.program.api['control.pickup']({})).toEqual({ ok: true, value: { count: 1 } });
  expect(await subjects(rig)).toEqual(['many']);
  expect(problems(rig)).toEqual([]);
});

describe.runIf(isRoot)('on a disk that is full', () => {
  test('what was dropped before waits, and goes by itself once there is room; nothing more is promised meanwhile', async ({
    skip,
  }) => {
    const profile = tempFolder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', profile], { stdio: 'pipe' });
    } catch {
      return skip();
    }
    onTestFinished(() => {
      execFileSync('umount', ['-l', profile]);
    });
    const rig = await built.start({ profile, settings: NOWHERE });
    await expect.poll(() => existsSync(path.join(profile, 'maildrop', 'new'))).toBe(true);
    const ballast = path.join(profile, 'ballast');
    writeFileSync(ballast, Buffer.alloc(80 * MIB));
    dropped(profile, '1', 'patient', ['bob@example.test']);
    dropped(profile, '2', 'patient too', ['bob@example.test']);
    expect(await dropBy(profile, 'refused', ['bob@example.test'])).toBe(75);
    expect(await rig.program.api['control.pickup']({})).toEqual({ ok: true, value: { count: 0 } });
    await expect.poll(() => problems(rig)).toEqual([expect.stringContaining('disk is nearly full')]);
    expect(waiting(profile)).toEqual(['1', '2']);
    rmSync(ballast);
    // Nobody pokes it: it looks at the disk by itself.
    await expect.poll(() => subjects(rig)).toEqual(['patient', 'patient too']);
    await expect.poll(() => problems(rig)).toEqual([]);
    expect(waiting(profile)).toEqual([]);
  });
});

test('kill -9 at any moment of a pickup: each drop arrives, none of them twice', async () => {
  const profile = tempFolder();
  const names = Array.from({ length: 60 }, (_, i) => `drop${String(i).padStart(2, '0')}`);
  for (const name of names) dropped(profile, name, name, ['bob@example.test'], `${'x'.repeat(76)}\r\n`.repeat(500));
  const left = (): number => waiting(profile).length;
  for (const at of [55, 40, 20]) {
    const child = await built.startProcess(profile, NOWHERE);
    await expect.poll(left, { interval: 1 }).toBeLessThanOrEqual(at);
    child.process.kill('SIGKILL');
    await child.exited;
  }
  const rig = await built.start({ profile, settings: NOWHERE });
  await expect.poll(left).toBe(0);
  await expect.poll(async () => [...(await subjects(rig))].sort()).toEqual(names);
  rig.set({ gateways: gatewaysAt([sink.port]) });
  await expect.poll(() => [...sink.arrived.keys()].filter((name) => names.includes(name)).sort()).toEqual(names);
  for (const name of names) expect(sink.arrived.get(name)).toBe(1);
});
