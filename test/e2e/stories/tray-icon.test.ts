/** The icon as it stands in a real panel (xfce4-panel under Xvfb): a picture for each state, and the menu, opened. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { WILLING } from '../../fakes/scripted-smtp-server.ts';
import { startElectronInLab } from '../../support/electron-in-lab.ts';
import { keepUntilEnd } from '../../support/kept.ts';
import type { LaunchedApp } from '../../support/launch-app.ts';
import { createNetworkLab, labMissing } from '../../support/netns.ts';
import { eventually, postcast, root, runCommand, until } from '../../support/program.ts';
import { startXvfb, type VirtualDisplay } from '../../support/xvfb.ts';
import { handOver, launchStory, startServers, UNKNOWN, type Servers } from './support.ts';

/** One panel with nothing but the area for icons, at the top of the screen. */
const PANEL = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="40"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>
`;

const missing = ['/usr/bin/xfce4-panel', '/usr/bin/xdotool', '/usr/bin/import', '/usr/bin/dbus-daemon'].filter(
  (file) => !existsSync(file),
);

describe.skipIf(missing.length > 0)(
  `the tray icon in a panel${missing.map((file) => `, needs ${file}`).join('')}`,
  () => {
    const home = mkdtempSync(path.join(tmpdir(), 'panel-'));
    const pictures = path.join(root, 'test-output/stories/tray');
    const kept = keepUntilEnd();
    const started = (child: ChildProcess): void => void kept({ close: () => child.kill() });
    let display: VirtualDisplay;
    let env: Record<string, string>;
    let servers: Servers;
    let launched: LaunchedApp;
    /** Where the icon stands. */
    let place = { x: 0, y: 20 };

    beforeAll(async () => {
      kept({ remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) });
      mkdirSync(pictures, { recursive: true });
      const xfconf = path.join(home, '.config/xfce4/xfconf/xfce-perchannel-xml');
      mkdirSync(xfconf, { recursive: true });
      writeFileSync(path.join(xfconf, 'xfce4-panel.xml'), PANEL);
      display = kept(await startXvfb({ width: 700, height: 420 }));
      // A path: an abstract address would not reach into another network namespace.
      const bus = `--address=unix:path=${path.join(home, 'bus')}`;
      const daemon = spawn('dbus-daemon', ['--session', '--nofork', '--print-address', bus], {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, HOME: home, DISPLAY: display.display, XDG_CONFIG_HOME: path.join(home, '.config') },
      });
      started(daemon);
      const [address] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
      env = { DISPLAY: display.display, DBUS_SESSION_BUS_ADDRESS: address };
      started(
        spawn('xfce4-panel', ['--disable-wm-check'], {
          stdio: 'ignore',
          env: { ...process.env, ...env, HOME: home, XDG_CONFIG_HOME: path.join(home, '.config') },
        }),
      );
      await until('the panel watches for icons', async () => {
        const asked = await runCommand('dbus-send', [
          ...[`--bus=${address}`, '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus'],
          ...['org.freedesktop.DBus.NameHasOwner', 'string:org.kde.StatusNotifierWatcher'],
        ]);
        return asked.stdout.includes('true');
      });
      servers = kept(await startServers());
      launched = kept(await launchStory('tray', servers, { args: ['--hidden'], env }));
    });
    const x = (...args: readonly string[]) => runCommand('env', [`DISPLAY=${display.display}`, 'xdotool', ...args]);
    const shot = async (name: string): Promise<string> => {
      const file = path.join(pictures, `${name}.png`);
      const ended = await runCommand('env', [`DISPLAY=${display.display}`, 'import', '-window', 'root', file]);
      expect(ended).toMatchObject({ code: 0 });
      return file;
    };
    /** What the icon looks like: its part of the screen as text. */
    const look = async (name: string): Promise<string> => {
      const file = await shot(name);
      const size = `48x40+${Math.max(0, place.x - 24)}+0`;
      return (await runCommand('convert', [file, '-crop', size, '+repage', 'txt:-'])).stdout;
    };
    /** Makes a picture of the handbook with ImageMagick, if they are being made. */
    const forManual = async (name: string, convert: (to: string) => readonly string[]): Promise<void> => {
      const folder = process.env['POSTCAST_HANDBOOK_PICTURES'];
      if (folder === undefined) return;
      const ended = await runCommand('convert', convert(path.resolve(root, folder, `${name}.png`)));
      expect(ended).toMatchObject({ code: 0 });
    };
    const state = async (): Promise<string> =>
      (JSON.parse((await postcast(launched.profile, ['status', '--json'])).stdout) as { state: string }).state;

    const looks = new Map<string, string>();
    /** Waits for a state and for its picture in the panel, which is to be like no other. */
    const keep = async (name: string): Promise<void> => {
      await eventually(`the program is ${name}`, state).toBe(name);
      const known = [...looks.values()];
      await eventually(`the icon of ${name} is its own`, async () => known.includes(await look(name))).toBe(false);
      looks.set(name, await look(name));
    };

    it('stands there, and looks different in each state', async () => {
      // The panel is of one colour; the icon is the part of it that is not.
      await eventually('the icon is in the panel', async () => {
        const file = await shot('idle');
        const { stdout } = await runCommand('convert', [
          ...[file, '-crop', '700x38+0+1', '+repage', '-fuzz', '12%', '-trim', '-format', '%w %h %X %Y', 'info:'],
        ]);
        const [width = 0, height = 0, left = 0] = stdout.split(' ').map(Number);
        place = { x: Math.round(left + width / 2), y: 20 };
        return width >= 8 && width <= 60 && height >= 8;
      }).toBe(true);
      looks.set('idle', await look('idle'));
      const { server } = servers.office;
      await postcast(launched.profile, ['pause']);
      await keep('paused');
      await postcast(launched.profile, ['resume']);
      await postcast(launched.profile, ['settings', 'set', 'dialUp.requireConnection', 'true']);
      await handOver(launched.profile.port, { to: 'carol@customer.test', subject: 'Waits' });
      await keep('waiting-dial-up');
      server.become({ ...WILLING, DATA: { then: 'silence' } });
      await postcast(launched.profile, ['settings', 'set', 'dialUp.requireConnection', 'false']);
      await keep('sending');
    });

    it('opens its menu, with everything in it', async () => {
      await x('mousemove', String(place.x), String(place.y), 'click', '3');
      const size = async (): Promise<number> => statSync(await shot('menu')).size;
      const closed = statSync(path.join(pictures, 'sending.png')).size;
      await eventually('the menu is on the screen', async () => (await size()) > closed + 2000).toBe(true);
      await x('key', 'Escape');
      // The panel marks what the pointer is on; the next picture is to differ by the icon alone.
      await x('mousemove', '600', '300');
      await eventually('the panel marks nothing', async () => (await look('after')) === looks.get('sending')).toBe(
        true,
      );
      await forManual('tray-menu', (to) => [path.join(pictures, 'menu.png'), '-crop', '230x230+0+0', '+repage', to]);
    });

    it('calls for attention when a message went to Bad', async () => {
      servers.office.server.become({ [`RCPT TO:<${UNKNOWN}`]: '550 5.1.1 nobody' });
      await handOver(launched.profile.port, { to: UNKNOWN, subject: 'Lost' });
      await keep('attention');
    });

    // Of all states this is the one that nothing but the network itself brings about.
    it.skipIf(labMissing() !== null)('looks like none of these where there is no network', async () => {
      await launched.close();
      await eventually('the icon has gone', async () => [...looks.values()].includes(await look('none'))).toBe(false);
      const none = await look('none');
      const lab = kept(await createNetworkLab());
      const { statusUntil } = kept(await startElectronInLab(lab, {}, env));
      await statusUntil('it waits for a network', ({ state }) => state === 'waiting-network');
      const known = [none, ...looks.values()];
      await eventually('its icon is its own', async () => known.includes(await look('waiting-network'))).toBe(false);
      const states = ['idle', 'sending', 'paused', 'waiting-network', 'waiting-dial-up', 'attention'];
      await forManual('tray-states', (to) => [
        ...states.map((name) => path.join(pictures, `${name}.png`)),
        ...['-crop', `40x40+${Math.max(0, place.x - 20)}+0`, '+repage', '+append', to],
      ]);
    });
  },
);
