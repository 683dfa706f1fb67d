/** The program around the mail: windows that come and go, one instance, a port that is taken, a broken settings file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppStatus } from '../../shared/status.ts';
import { launchApp, type LaunchedApp } from '../support/launch-app.ts';
import {
  electronArguments,
  electronPath,
  eventually,
  greeting,
  makeProfile,
  postcast,
  postcastJson,
  root,
  spawnProgram,
} from '../support/program.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function launch(options: Omit<Parameters<typeof launchApp>[0], 'name'> = {}): Promise<LaunchedApp> {
  const launched = await launchApp({ name: 'shell', ...options });
  undo.push(() => launched.close());
  return launched;
}

describe('one program per profile', () => {
  it('goes on accepting mail when its window is closed; a second start ends at once and shows the window', async () => {
    const launched = await launch();
    const { app, profile } = launched;
    const first = await launched.firstWindow();
    await first.getByRole('button', { name: 'Send now' }).waitFor();
    await first.close();
    await eventually('no window is left', () => app.windows().length).toBe(0);
    expect(await greeting(profile.port)).toMatch(/^220 /);
    const { pid } = await postcastJson<AppStatus>(profile, ['status']);

    const opened = app.waitForEvent('window');
    const second = spawnProgram(profile, []);
    expect(await second.exited, second.output()).toBe(0);
    expect(second.output()).toContain('already running');
    await (await opened).getByRole('button', { name: 'Send now' }).waitFor();
    expect(app.windows()).toHaveLength(1);
    expect(await postcastJson<AppStatus>(profile, ['status'])).toMatchObject({ pid });
  });

  it('a second start that is hidden shows nothing', async () => {
    const launched = await launch({ args: ['--hidden'] });
    const second = spawnProgram(launched.profile, ['--hidden']);
    expect(await second.exited, second.output()).toBe(0);
    expect(launched.app.windows()).toHaveLength(0);
    expect(await greeting(launched.profile.port)).toMatch(/^220 /);
  });

  it('obeys when it is told to end in the middle of its start', async () => {
    const launched = await launch({ args: ['--hidden'] });
    const ended = once(launched.app.process(), 'exit');
    // The answer may be lost with the program.
    await launched.app.evaluate(({ app }) => app.quit()).catch(() => undefined);
    expect((await ended)[0]).toBe(0);
  });

  it('ends with the last window where the user wants it so', async () => {
    const launched = await launch({ settings: { general: { closeToTray: false } } });
    const ended = once(launched.app.process(), 'exit');
    await (await launched.firstWindow()).close();
    expect((await ended)[0]).toBe(0);
  });
});

it('a window opens as it was left when the program was ended: its size, its place, its columns', async () => {
  const profile = await makeProfile();
  undo.push(() => profile.remove());
  const size = ({ app }: LaunchedApp, bounds?: Electron.Rectangle): Promise<Electron.Rectangle | undefined> =>
    app.evaluate(({ BrowserWindow }, wanted) => {
      const [window] = BrowserWindow.getAllWindows();
      if (wanted !== undefined) window?.setBounds(wanted);
      return window?.getBounds();
    }, bounds);
  const place = { x: 30, y: 40, width: 1010, height: 660 };
  const first = await launch({ profile });
  const window = await first.firstWindow();
  await window.getByRole('button', { name: 'Columns' }).click();
  await window.getByRole('menuitemcheckbox', { name: 'Size' }).click();
  await size(first, place);
  await eventually('it is as wanted', () => size(first)).toEqual(place);
  const ended = once(first.app.process(), 'exit');
  await postcast(profile, ['quit']);
  await ended;

  const second = await launch({ profile });
  const again = await second.firstWindow();
  expect(await size(second)).toEqual(place);
  await again.getByRole('button', { name: 'Columns' }).click();
  const column = (name: string): Promise<string | null> =>
    again.getByRole('menuitemcheckbox', { name }).getAttribute('aria-checked');
  expect(await column('Size')).toBe('false');
  expect(await column('Subject')).toBe('true');
});

it('a port that is taken: the window says so, and one click takes another one', async () => {
  const profile = await makeProfile();
  undo.push(() => profile.remove());
  const other = net.createServer((socket) => socket.end('this is no mail server\r\n'));
  await new Promise<void>((resolve) => other.listen(profile.port, '127.0.0.1', resolve));
  undo.push(() => new Promise((resolve) => other.close(resolve)));
  const launched = await launch({ profile });
  const window = await launched.firstWindow();
  const bar = window.getByRole('region', { name: 'Problems' });
  await bar.getByText(`Port ${profile.port} is used by another program.`).waitFor();
  await launched.screenshot(window, 'port-taken');
  const button = bar.getByRole('button', { name: /^Use port \d+ instead$/ });
  const port = Number(/\d+/.exec(await button.innerText())?.[0]);
  await button.click();
  await bar.getByText('is used by another program').waitFor({ state: 'detached' });
  await window.getByText(`Accepting mail on port ${port}`, { exact: true }).waitFor();
  await launched.screenshot(window, 'port-changed');
  expect(await greeting(port)).toMatch(/^220 /);
  expect((await profile.settings())['server']).toMatchObject({ port });
});

// With default settings it would listen on the default port and look for captive portals: so it gets a network of its own.
describe.skipIf(process.getuid?.() !== 0)('a settings.json that cannot be read', () => {
  it('is set aside with a message, and nothing in it is lost', async () => {
    const profile = await makeProfile();
    undo.push(() => profile.remove());
    const broken = '{ "version": 1, "server": { "port": 2526, \n<<<<<<< mine\n';
    await writeFile(path.join(profile.folder, 'settings.json'), broken);
    const child = spawn(
      'unshare',
      [
        ...['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'],
        electronPath(),
        ...electronArguments(profile.folder, ['--hidden']),
      ],
      { cwd: root, stdio: 'ignore', detached: true },
    );
    undo.push(async () => {
      const exited = once(child, 'exit');
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await exited;
    });
    await eventually('it runs', async () => (await postcast(profile, ['status'])).code).toBe(0);
    const status = await postcastJson<AppStatus>(profile, ['status']);
    expect(status.listener).toMatchObject({ kind: 'listening', port: 2525 });
    const kept = (await readdir(profile.folder)).filter((name) => name.startsWith('settings.json.broken-'));
    expect(kept).toHaveLength(1);
    expect(await readFile(path.join(profile.folder, kept[0] ?? ''), 'utf8')).toBe(broken);
    const said = (await postcast(profile, ['status'])).stdout;
    expect(said).toContain(`The settings file could not be read. It was kept as ${kept[0] ?? ''}`);
    expect((await postcast(profile, ['settings', 'set', 'general.theme', 'dark'])).code).toBe(0);
    expect((await profile.settings())['general']).toMatchObject({ theme: 'dark' });
    // Another setting decides nothing: what the file said about gateways is not known.
    expect((await postcastJson<AppStatus>(profile, ['status'])).hold).toBe('settings');
    expect((await postcast(profile, ['settings', 'go-on'])).code).toBe(0);
    expect((await postcastJson<AppStatus>(profile, ['status'])).hold).not.toBe('settings');
    expect((await profile.settings())['general']).toMatchObject({ theme: 'dark' });
    expect(await readFile(path.join(profile.folder, kept[0] ?? ''), 'utf8')).toBe(broken);
  });
});
