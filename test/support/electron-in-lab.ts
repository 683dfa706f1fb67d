/** The built program, whole and in real Electron, in the laptop of a network laboratory; its windows stay closed. */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppStatus } from '../../shared/status.ts';
import { NO_SYSTEM_BUS, type NetworkLab } from './netns.ts';
import { PATIENCE_MS } from './patience.ts';
import {
  electronArguments,
  electronPath,
  makeProfile,
  postcast,
  postcastJson,
  root,
  type SettingsSections,
} from './program.ts';

/** Electron in the laptop. It is talked to over its control socket, which does not care about network namespaces. */
export interface ElectronInLab {
  readonly pid: number;
  status(): Promise<AppStatus>;
  statusUntil(what: string, fits: (status: AppStatus) => boolean): Promise<AppStatus>;
  /** Hands in a message with this subject. */
  submit(subject: string): Promise<void>;
  /** All that the log says so far. */
  log(): Promise<string>;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts it hidden; resolves once its listener stands. */
export async function startElectronInLab(
  lab: NetworkLab,
  settings: SettingsSections,
  env: Readonly<Record<string, string>> = {},
): Promise<ElectronInLab> {
  const profile = await makeProfile({ administration: { log: 'single' }, ...settings });
  const child = lab.start(lab.laptop, electronPath(), electronArguments(profile.folder, ['--hidden']), {
    cwd: root,
    env: {
      ...process.env,
      ...NO_SYSTEM_BUS,
      ...env,
    },
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const status = (): Promise<AppStatus> => postcastJson<AppStatus>(profile, ['status']);
  // Neither of Vitest's ways of waiting works in a bench.
  const until = async (what: string, ready: () => Promise<boolean>): Promise<void> => {
    for (const began = performance.now(); !(await ready()); await pause(50))
      if (performance.now() - began > PATIENCE_MS) throw new Error(`Not so: ${what}. ${output}`);
  };
  const stop = async (): Promise<void> => {
    if (!ended()) child.kill('SIGTERM');
    await over;
    await profile.remove();
  };
  try {
    await until('the program listens', async () => {
      if (ended()) throw new Error(`Electron ended: ${output}`);
      return (await postcast(profile, ['status'])).code === 0 && (await status()).listener.kind === 'listening';
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: child.pid ?? -1,
    exited,
    status,
    async statusUntil(what, fits) {
      let last = await status();
      await until(what, async () => fits((last = await status())));
      return last;
    },
    async submit(subject) {
      const text = `From: ann@home.test\nTo: bob@far.test\nSubject: ${subject}\n\nx\n`;
      const { code, stderr } = await postcast(profile, ['sendmail', '-i', '-f', 'ann@home.test', 'bob@far.test'], text);
      if (code !== 0) throw new Error(`postcast sendmail ended with ${code}: ${stderr}`);
    },
    async log() {
      const folder = path.join(profile.folder, 'logs');
      const names = await readdir(folder);
      return (await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))).join('');
    },
    stop,
  };
}
