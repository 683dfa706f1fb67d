import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Subject } from './postfix.ts';
import { freePort, start, untilGreeting } from './processes.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What it takes to start something in Electron. */
export interface ElectronSetting {
  /** Path of Electron's executable. */
  readonly executable: string;
  /** For DISPLAY. */
  readonly display: string;
}

/** Starts the program in out/, hidden (`window`: with its window), with a new profile whose only gateway is the sink, in mode `always`. */
export async function startProgram(setting: ElectronSetting, sinkPort: number, window = false): Promise<Subject> {
  const profile = await mkdtemp(path.join(tmpdir(), 'postcast-bench-'));
  const port = await freePort();
  await writeFile(
    path.join(profile, 'settings.json'),
    JSON.stringify({
      version: 1,
      // Nothing but loopback is used.
      security: { captivePortalProbe: false },
      server: { host: ['127.0.0.1'], port, hostname: 'laptop.bench.test' },
      gateways: {
        mode: 'always',
        list: [{ id: 'sink', name: 'Sink', host: '127.0.0.1', port: sinkPort, security: 'none', auth: 'none' }],
      },
    }),
  );
  return startElectron(setting, 'PostCast', profile, port, [
    root,
    '--profile',
    profile,
    ...(window ? [] : ['--hidden']),
  ]);
}

/** Starts the empty tray program. */
export async function startEmptyTray(setting: ElectronSetting): Promise<Subject> {
  const profile = await mkdtemp(path.join(tmpdir(), 'postcast-bench-'));
  const port = await freePort();
  return startElectron(setting, 'empty tray', profile, port, [
    `--user-data-dir=${profile}`,
    path.join(import.meta.dirname, 'empty-tray'),
    '--port',
    String(port),
  ]);
}

async function startElectron(
  { executable, display }: ElectronSetting,
  name: string,
  profile: string,
  port: number,
  args: readonly string[],
): Promise<Subject> {
  const since = performance.now();
  const program = start(
    executable,
    [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--password-store=basic', ...args],
    { cwd: root, env: { ...process.env, DISPLAY: display } },
  );
  const end = async (): Promise<void> => {
    await program.end();
    await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const startMs = await untilGreeting(port, since, program);
    return { name, port, startMs, pid: program.pid, end };
  } catch (error) {
    await end();
    throw error;
  }
}
