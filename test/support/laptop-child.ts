/**
 * The whole program but its shell, with the real network, as a process of its own: for a network namespace. Takes commands
 * from standard input and answers on standard output, a JSON object a line each. Ends when its standard input does.
 * Bundled and started by `laptop.ts`.
 */
import net from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { createDialUp } from '../../main/network/dial-up/system-dial-up.ts';
import { createNetworkMonitor } from '../../main/network/monitor.ts';
import { createPortalProbe } from '../../main/network/portal-probe.ts';
import { createSystemAdapter } from '../../main/network/system-adapter.ts';
import type { Clock } from '../../main/runtime/clock.ts';
import type { SettingsStore } from '../../main/settings/settings-store.ts';
import { startProgram } from '../../main/program/program.ts';
import { systemClock } from '../../main/runtime/system-clock.ts';
import type { EngineMethodName } from '../../shared/ipc-contract.ts';
import { parseSettings, type Settings } from '../../shared/settings.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';

const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const env = (name: string): string => process.env[name] ?? '';

/** A wall clock that can jump, as it does in a sleep; the coarse look at the clocks comes after 3 s instead of 30. */
let jumped = 0;
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + jumped,
  after: (ms, run) => systemClock.after(ms === 30_000 && env('QUICK_SLEEP_WATCH') !== '' ? 3_000 : ms, run),
};

const parsed = (value: unknown): Settings => {
  const result = parseSettings(value);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.settings;
};
let current = parsed(JSON.parse(env('SETTINGS')));
const listeners = new Set<(settings: Settings) => void>();
const settings: SettingsStore = {
  get: () => current,
  setAside: null,
  replace: (next) => {
    current = parsed(next);
    for (const listener of listeners) listener(current);
    return Promise.resolve({ ok: true, settings: current });
  },
  onChange: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const portalPage = process.env['PORTAL_PAGE'];
const program = await startProgram({
  profile: env('PROFILE'),
  version: '0',
  settings,
  secrets: memorySecrets(),
  network: (parts) =>
    createNetworkMonitor({
      ...parts,
      settings,
      adapter: createSystemAdapter(parts),
      probePortal: portalPage === undefined ? null : createPortalProbe(portalPage),
    }),
  dialUp: ({ log }) => createDialUp({ log }),
  workers: {
    store: pathToFileURL(env('STORE_WORKER')),
    preview: pathToFileURL(env('STORE_WORKER')),
  },
  clock,
  quit: () => undefined,
});
program.on('failed', (message) => say({ kind: 'failed', message }));
program.on('status:changed', (status) => say({ kind: 'status', status }));

/** Hands a message to the listener as a mail program does; resolves with the final reply. */
function submit(subject: string, to: string, size: number): Promise<string> {
  const status = program.status().listener;
  if (status.kind !== 'listening') throw new Error('the listener does not stand');
  return new Promise((resolve, reject) => {
    const socket = net.connect(status.port, '127.0.0.1');
    const text = `From: ann@home.test\r\nSubject: ${subject}\r\n\r\n${'x'.repeat(70)}\r\n`;
    const commands = [
      'EHLO client.test',
      'MAIL FROM:<ann@home.test>',
      `RCPT TO:<${to}>`,
      'DATA',
      `${text}${`${'y'.repeat(70)}\r\n`.repeat(Math.ceil(size / 72))}.`,
    ];
    let rest = '';
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (/^\d{3}-/.test(line)) continue;
        const next = commands.shift();
        if (next !== undefined && Number(line.slice(0, 3)) < 400) socket.write(`${next}\r\n`);
        else {
          socket.end('QUIT\r\n');
          resolve(line);
          return;
        }
      }
    });
  });
}

interface Command {
  readonly n: number;
  readonly do: 'api' | 'submit' | 'jump' | 'wake' | 'resume' | 'settings' | 'status';
  readonly method?: EngineMethodName;
  readonly input?: unknown;
  readonly subject?: string;
  readonly to?: string;
  readonly size?: number;
  readonly ms?: number;
}

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'api': {
      const methods = program.api as unknown as Record<string, (input: unknown) => Promise<unknown>>;
      return methods[command.method ?? '']?.(command.input ?? {});
    }
    case 'submit':
      return submit(command.subject ?? '', command.to ?? 'bob@far.test', command.size ?? 0);
    case 'jump':
      jumped += command.ms ?? 0;
      return null;
    case 'wake':
      // In one go: between the two the program could look at its clocks.
      jumped += command.ms ?? 0;
      program.resumed();
      return null;
    case 'resume':
      program.resumed();
      return null;
    case 'settings':
      return settings.replace(command.input);
    case 'status':
      return program.status();
  }
}

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const command = JSON.parse(line) as Command;
  obey(command).then(
    (result) => say({ kind: 'answer', n: command.n, result }),
    (error: unknown) => say({ kind: 'answer', n: command.n, error: String(error) }),
  );
});
input.on('close', () => {
  void program.stop(1000).then(() => process.exit(0));
});
say({ kind: 'started' });
