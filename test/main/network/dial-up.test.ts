import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dialUpWith } from '../../../main/network/dial-up/dialler.ts';
import { createDialUp } from '../../../main/network/dial-up/system-dial-up.ts';
import { createLinuxDialler, parseNmcliConnections, peersAmong } from '../../../main/network/dial-up/linux.ts';
import { createMacDialler } from '../../../main/network/dial-up/macos.ts';
import { createWindowsDialler } from '../../../main/network/dial-up/windows.ts';
import { runCommand, type CommandResult, type RunCommand } from '../../../main/network/run-command.ts';

const never = new AbortController().signal;
const ended = (stdout: string, code = 0, stderr = ''): CommandResult => ({ kind: 'ended', code, stdout, stderr });

/** Answers by the first words of the command line; remembers what was run. */
function system(answers: Readonly<Record<string, CommandResult | (() => CommandResult)>>) {
  const ran: string[][] = [];
  const run: RunCommand = async (command, args) => {
    ran.push([command, ...args]);
    const line = [command, ...args].join(' ');
    const key = Object.keys(answers).find((start) => line.startsWith(start));
    const answer = key === undefined ? undefined : answers[key];
    return answer === undefined ? { kind: 'missing' } : typeof answer === 'function' ? answer() : answer;
  };
  return { run, ran };
}
const notes: unknown[] = [];
const log = { note: (event: string, facts?: object) => void notes.push([event, facts]) };

describe('names', () => {
  it('of NetworkManager’s connections that are dialled, with what nmcli escapes', () => {
    const text =
      '802-3-ethernet:Wired connection 1\ngsm:Train\nvpn:Head\\: office \\\\ 2\nwireguard:wg0\n802-11-wireless:Cafe\nbridge:docker0\n';
    expect(parseNmcliConnections(text)).toEqual(['Train', 'Head: office \\ 2', 'wg0']);
  });
  it('of pppd’s peers, no editor’s leavings and nothing that looks like an option or a path', () => {
    expect(
      peersAmong([
        'provider',
        'isp-2',
        'isp.test',
        'provider~',
        'isp.bak',
        'x.dpkg-old',
        '-detach',
        '.hidden',
        '..',
        'a b',
      ]),
    ).toEqual(['provider', 'isp-2', 'isp.test']);
  });
});

describe('on Linux', () => {
  const nmcli = { 'nmcli -t -f TYPE,NAME connection show': ended('gsm:Train\n') };

  it('a connection of NetworkManager is dialled and hung up by nmcli, its name one argument', async () => {
    const name = 'Train; rm -rf "$HOME" `x`';
    const { run, ran } = system({
      'nmcli -t': ended(`gsm:${name}\n`),
      'nmcli --wait': ended('Connection successfully activated'),
      'nmcli connection down': ended('deactivated'),
    });
    const dialUp = dialUpWith(createLinuxDialler(run, '/nonexistent'), log);
    expect(await dialUp.dial(name, never)).toEqual({ ok: true, detail: 'Connection successfully activated' });
    expect(await dialUp.hangUp(name, never)).toMatchObject({ ok: true });
    expect(ran.filter((line) => line.includes('up') || line.includes('down'))).toEqual([
      ['nmcli', '--wait', '90', 'connection', 'up', 'id', name],
      ['nmcli', 'connection', 'down', 'id', name],
    ]);
  });

  it('a peer of pppd is dialled by pon and hung up by poff; both kinds are offered', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postcast-peers-'));
    await writeFile(join(folder, 'provider'), '');
    const { run, ran } = system({ ...nmcli, pon: ended(''), poff: ended('', 1, 'poff: No pppd is running.') });
    const dialUp = dialUpWith(createLinuxDialler(run, folder), log);
    expect(await dialUp.configured()).toEqual(['Train', 'provider']);
    expect(await dialUp.dial('provider', never)).toMatchObject({ ok: true });
    expect(await dialUp.hangUp('provider', never)).toEqual({ ok: false, detail: 'poff: No pppd is running.' });
    expect(ran.filter(([command]) => command?.startsWith('p') === true)).toEqual([
      ['pon', 'provider'],
      ['poff', 'provider'],
    ]);
    await rm(folder, { recursive: true });
  });

  it('nothing is run for a name that the system does not list', async () => {
    const { run, ran } = system({ ...nmcli, pon: ended('') });
    const dialUp = dialUpWith(createLinuxDialler(run, '/nonexistent'), log);
    for (const name of ['Tram', '../../etc/passwd', '--help', ''])
      expect((await dialUp.dial(name, never)).ok).toBe(false);
    expect(ran.every((line) => line.includes('show'))).toBe(true);
  });

  it.each<[CommandResult, string]>([
    [
      ended('', 4, 'Error: Connection activation failed: no carrier\nHint: …'),
      'Error: Connection activation failed: no carrier',
    ],
    [{ kind: 'timed-out' }, 'nmcli did not answer in time'],
    [{ kind: 'aborted' }, 'given up'],
    [ended('', 9), 'nmcli ended with 9'],
  ])('says what went wrong: %j', async (result, detail) => {
    const { run } = system({ ...nmcli, 'nmcli --wait': result });
    expect(await createLinuxDialler(run, '/nonexistent').dial('Train', never)).toEqual({ ok: false, detail });
  });

  it('without NetworkManager and pppd there is nothing to dial', async () => {
    expect(await createLinuxDialler(system({}).run, '/nonexistent').configured()).toEqual([]);
  });

  it('what was done is in the log', async () => {
    notes.length = 0;
    const { run } = system({ ...nmcli, 'nmcli --wait': ended('done') });
    await dialUpWith(createLinuxDialler(run, '/nonexistent'), log).dial('Train', never);
    expect(notes).toEqual([['dial', { connection: 'Train', ok: true, detail: 'done' }]]);
  });
});

describe('on Windows (not run there)', () => {
  it('entries of the phone book are dialled and hung up by rasdial', async () => {
    const { run, ran } = system({ 'rasdial.exe': ended('Connecting to Train...\r\nCommand completed successfully.') });
    const dialler = createWindowsDialler(run, {});
    expect(await dialler.configured()).toEqual([]);
    expect(await dialler.dial('Train', never)).toEqual({ ok: true, detail: 'Connecting to Train...' });
    await dialler.hangUp('Train', never);
    expect(ran).toEqual([
      ['rasdial.exe', 'Train'],
      ['rasdial.exe', 'Train', '/disconnect'],
    ]);
  });
});

describe('on macOS (not run there)', () => {
  const list = ended('* (Disconnected)   6A0F7D54-2B7E-4C11-9F0B-0A1B2C3D4E5F PPP --> Modem "Train" [PPP:Modem]\n');
  const scutil = '/usr/sbin/scutil --nc';

  it('a service is started, and the answer is what became of it', async () => {
    const states = ['Disconnected', 'Connecting', 'Connected'];
    const { run } = system({
      [`${scutil} list`]: list,
      [`${scutil} start`]: ended(''),
      [`${scutil} status`]: () => ended(`${states.shift() ?? ''}\nExtended Status <dictionary>\n`),
    });
    expect(await createMacDialler(run, 1).dial('Train', never)).toEqual({ ok: true, detail: 'Connected' });
  });
  it('a service that falls back is a failure', async () => {
    const { run } = system({ [`${scutil} start`]: ended(''), [`${scutil} status`]: ended('Disconnected\n') });
    expect(await createMacDialler(run, 1).dial('Train', never)).toEqual({ ok: false, detail: 'Disconnected' });
  });
  it('waiting ends with the signal', async () => {
    const { run } = system({ [`${scutil} start`]: ended(''), [`${scutil} status`]: ended('Connecting\n') });
    const giveUp = new AbortController();
    const dialled = createMacDialler(run, 3_600_000).dial('Train', giveUp.signal);
    setImmediate(() => giveUp.abort());
    expect(await dialled).toEqual({ ok: false, detail: 'given up' });
  });
});

describe.skipIf(process.platform === 'win32')('running a command', () => {
  it('hands arguments on as they are and gives back what it printed', async () => {
    expect(await runCommand('printf', ['%s|', '$HOME', 'a b', '*'], 5000)).toEqual(ended('$HOME|a b|*|'));
  });
  it('knows failure, absence, lateness and being given up apart', async () => {
    expect(await runCommand('sh', ['-c', 'echo no >&2; exit 3'], 5000)).toEqual(ended('', 3, 'no\n'));
    expect(await runCommand('no-such-command-here', [], 5000)).toEqual({ kind: 'missing' });
    expect(await runCommand('sleep', ['60'], 50)).toEqual({ kind: 'timed-out' });
    expect(await runCommand('sleep', ['60'], 5000, AbortSignal.abort())).toEqual({ kind: 'aborted' });
  });
});

describe('with its command taken away', () => {
  it.each([
    ['linux', 'pon'],
    ['darwin', 'scutil'],
    ['win32', 'rasdial'],
  ] as const)('on %s nothing is dialled, and it is said that %s is not there', async (platform, command) => {
    const { run } = system({});
    const dialler = { linux: createLinuxDialler, darwin: createMacDialler, win32: createWindowsDialler }[platform];
    expect(await dialler(run).dial('Train', never)).toEqual({ ok: false, detail: `${command} is not installed` });
    expect(await dialler(run).hangUp('Train', never)).toMatchObject({ ok: false });
    // The port asks for what there is first, and has no connection of any name then.
    expect(await createDialUp({ log, run, platform }).dial('Train', never)).toMatchObject({ ok: false });
  });
});

it('every platform has its means', async () => {
  for (const platform of ['linux', 'win32', 'darwin'] as const) {
    const { run } = system({});
    expect(Array.isArray(await createDialUp({ log, run, platform }).configured())).toBe(true);
  }
});
