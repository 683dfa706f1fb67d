import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../app/shell/arguments.ts';
import { autostartEntry, autostartFile } from '../../app/shell/autostart.ts';
import { clampBounds, parseRemembered, type Bounds } from '../../app/windows/bounds.ts';
import { safeFileName } from '../../shared/file-name.ts';
import { createNotifier, type Notice } from '../../app/notifications/notifications.ts';
import { hasTrayHost } from '../../app/tray/tray-host.ts';
import { shellWords } from '../../app/shell/words.ts';
import { printable } from '../../app/cli/format.ts';
import type { FailedMessage } from '../../app/engine/engine-port.ts';

describe('the arguments of the program', () => {
  it.each<[string[], string | null, boolean]>([
    [['app'], null, false],
    [['app', '--hidden'], null, true],
    [['app', '--profile', '/p'], '/p', false],
    [['app', '--profile=/p', '--hidden'], '/p', true],
    [['electron', '--no-sandbox', '.', '--profile', 'rel/dir'], 'rel/dir', false],
    [['app', '--profile', '--hidden'], null, true],
    [['app', '--profile='], null, false],
    [['app', '--profile=/a', '--profile=/b'], '/b', false],
    [['app', '--hidden-feature'], null, false],
  ])('%j', (argv, profile, hidden) => expect(parseArguments(argv)).toEqual({ profile, hidden }));
});

describe('where a window opens', () => {
  const size = { width: 1280, height: 800 };
  const minimum = { width: 900, height: 600 };
  const one: Bounds = { x: 0, y: 0, width: 1920, height: 1040 };
  const right: Bounds = { x: 1920, y: 0, width: 1280, height: 1024 };
  it.each<[string, Bounds | null, Bounds[], Bounds]>([
    ['the first time: in the middle', null, [one], { x: 320, y: 120, ...size }],
    ['as it was left', { x: 100, y: 50, width: 1000, height: 700 }, [one], { x: 100, y: 50, width: 1000, height: 700 }],
    [
      'on the second screen',
      { x: 2000, y: 10, width: 1000, height: 700 },
      [one, right],
      { x: 2000, y: 10, width: 1000, height: 700 },
    ],
    [
      'back on the first when the second is gone',
      { x: 2000, y: 10, width: 1000, height: 700 },
      [one],
      { x: 460, y: 170, width: 1000, height: 700 },
    ],
    [
      'not larger than the screen',
      { x: 0, y: 0, width: 5000, height: 4000 },
      [one],
      { x: 0, y: 0, width: 1920, height: 1040 },
    ],
    ['not smaller than it may be', { x: 10, y: 10, width: 50, height: 50 }, [one], { x: 510, y: 220, ...minimum }],
    [
      'not above the screen',
      { x: 10, y: -500, width: 1000, height: 700 },
      [one],
      { x: 460, y: 170, width: 1000, height: 700 },
    ],
    [
      'on a screen that is too small, from its corner',
      null,
      [{ x: 0, y: 0, width: 800, height: 500 }],
      { x: 0, y: 0, ...minimum },
    ],
  ])('%s', (_name, wanted, areas, expected) => expect(clampBounds(wanted, size, minimum, areas)).toEqual(expected));

  it.each([
    null,
    7,
    {},
    { bounds: { x: 'a' } },
    { bounds: { x: 1, y: 2, width: 3 } },
    { bounds: { x: 1.5, y: 0, width: 1, height: 1 } },
  ])('forgets what it cannot read: %j', (value) => expect(parseRemembered(value)).toBeNull());
});

describe('a file name made by a stranger', () => {
  it.each([
    ['report.pdf', 'report.pdf'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['C:\\Windows\\x.exe', 'C__Windows_x.exe'],
    ['..', 'f'],
    ['', 'f'],
    [' . ', 'f'],
    ['.bashrc', 'bashrc'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['a\u0000b\nc.txt', 'abc.txt'],
    ['trailing. . ', 'trailing'],
    [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(116)}.pdf`],
    ['Grüße 日本.eml', 'Grüße 日本.eml'],
  ])('%j becomes %j', (name, expected) => expect(safeFileName(name, 'f')).toBe(expected));
});

describe('notifications', () => {
  const message: FailedMessage = {
    id: 'Q1',
    folder: 'bad',
    subject: 'Hi\u202e',
    to: 'bob@example.test',
    mayHaveArrived: false,
    words: '550 5.1.1 No\u0007 such user',
  };
  function notifier(enabled = true) {
    const shown: Notice[] = [];
    const due: (() => void)[] = [];
    const made = createNotifier({
      show: (notice) => shown.push(notice),
      enabled: () => enabled,
      words: () => shellWords('en', ''),
      gatherMs: 1,
      after: (_ms, run) => due.push(run),
    });
    return { made, shown, pass: () => due.splice(0).forEach((run) => run()) };
  }

  it('name the message that failed, without control characters; a click opens it', () => {
    const { made, shown, pass } = notifier();
    made.failed(message);
    pass();
    expect(shown).toEqual([
      {
        title: 'Message could not be sent',
        body: 'bob@example.test: Hi\n550 5.1.1 No such user',
        id: 'Q1',
        page: null,
      },
    ]);
  });

  it('say that it may have arrived, of one and of many', () => {
    const { made, shown, pass } = notifier();
    made.failed({ ...message, mayHaveArrived: true });
    pass();
    made.failed(message);
    made.failed({ ...message, id: 'Q2', to: 'carl@example.test', mayHaveArrived: true });
    pass();
    expect(shown.map(({ body }) => body)).toEqual([
      'bob@example.test: Hi\nIt may have arrived all the same.\n550 5.1.1 No such user',
      'bob@example.test, carl@example.test\nSome may have arrived all the same.',
    ]);
  });

  it('are one for many', () => {
    const { made, shown, pass } = notifier();
    for (let i = 0; i < 500; i++) made.failed({ ...message, id: `Q${i}`, to: `u${i}@example.test` });
    pass();
    expect(shown).toMatchObject([{ title: '500 messages could not be delivered', id: null }]);
    made.failed({ ...message, folder: 'bounced' });
    pass();
    expect(shown[1]?.title).toBe('Message was returned');
  });

  it('tell once that the listener cannot start, and again after it had worked', () => {
    const { made, shown } = notifier();
    const failed = {
      kind: 'failed',
      port: 25,
      reason: 'taken',
      message: 'Port 25 is taken.',
      suggestedPort: 26,
    } as const;
    made.listener(failed);
    made.listener(failed);
    expect(shown).toHaveLength(1);
    made.listener({ kind: 'starting' });
    made.listener(failed);
    expect(shown).toHaveLength(1);
    made.listener({ kind: 'listening', hosts: [], port: 25 });
    made.listener(failed);
    expect(shown).toHaveLength(2);
    expect(shown[0]).toMatchObject({ body: 'Port 25 is taken.', page: 'server' });
  });

  it('are not shown to a user who does not want them', () => {
    const { made, shown, pass } = notifier(false);
    made.failed(message);
    made.listener({ kind: 'failed', port: 25, reason: 'other', message: 'x', suggestedPort: null });
    pass();
    expect(shown).toEqual([]);
  });
});

describe('the autostart entry', () => {
  it('quotes what it starts', () => {
    const entry = autostartEntry('/opt/Post Cast/app', ['--hidden', '--profile', '/home/a"b/$x%y\\z']);
    expect(entry).toContain(String.raw`Exec="/opt/Post Cast/app" "--hidden" "--profile" "/home/a\\"b/\\$x%%y\\\\z"`);
  });
  it.each([
    [{}, '/home/ann/.config/autostart/postcast-server.desktop'],
    [{ XDG_CONFIG_HOME: '/cfg' }, '/cfg/autostart/postcast-server.desktop'],
    [{ XDG_CONFIG_HOME: 'rel' }, '/home/ann/.config/autostart/postcast-server.desktop'],
  ])('stands at %j', (env, expected) => expect(autostartFile(env, '/home/ann')).toBe(expected));
});

describe('whether there is a tray', () => {
  const answer = (text: Record<string, string>) => async (file: string) => {
    const found = text[file];
    if (found === undefined) throw new Error('ENOENT');
    return found;
  };
  it.each<[NodeJS.Platform, Record<string, string>, boolean]>([
    ['win32', {}, true],
    ['darwin', {}, true],
    ['linux', { gdbus: '(true,)\n' }, true],
    ['linux', { gdbus: '(false,)\n', 'dbus-send': 'boolean true' }, false],
    ['linux', { 'dbus-send': '   boolean true\n' }, true],
    ['linux', { 'dbus-send': '   boolean false\n' }, false],
    ['linux', {}, false],
  ])('%s %j: %s', async (platform, tools, expected) =>
    expect(await hasTrayHost(platform, answer(tools))).toBe(expected),
  );
});

describe('words on the command line', () => {
  it('show control characters instead of obeying them', () => {
    expect(printable('a\u001b[2J\u202e\r\nb\u0000')).toBe('a\\u{1b}[2J\\u{202e}\\u{d}\\u{a}b\\u{0}');
    expect(printable('Grüße 👍 日本')).toBe('Grüße 👍 日本');
  });
});
