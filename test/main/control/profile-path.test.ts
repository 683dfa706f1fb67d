import { describe, expect, it } from 'vitest';
import { controlPlace, defaultProfile, type Surroundings } from '../../../main/control/profile-path.ts';

const linux: Surroundings = { platform: 'linux', env: {}, home: '/home/ann', tmpdir: '/tmp', uid: 1000 };
const mac: Surroundings = { ...linux, platform: 'darwin', home: '/Users/ann' };
const windows: Surroundings = { ...linux, platform: 'win32', home: 'C:\\Users\\ann', uid: -1 };

describe('the default profile', () => {
  it.each<[string, Surroundings, string]>([
    ['Linux', linux, '/home/ann/.config/postcast-server'],
    ['Linux with XDG', { ...linux, env: { XDG_CONFIG_HOME: '/cfg' } }, '/cfg/postcast-server'],
    [
      'Linux with a relative XDG, which does not count',
      { ...linux, env: { XDG_CONFIG_HOME: 'cfg' } },
      '/home/ann/.config/postcast-server',
    ],
    ['macOS', mac, '/Users/ann/Library/Application Support/PostCast Server'],
    [
      'Windows',
      { ...windows, env: { APPDATA: 'C:\\Users\\ann\\AppData\\Roaming' } },
      'C:\\Users\\ann\\AppData\\Roaming\\PostCast Server',
    ],
    ['Windows without APPDATA', windows, 'C:\\Users\\ann\\AppData\\Roaming\\PostCast Server'],
  ])('on %s', (_name, at, expected) => expect(defaultProfile(at)).toBe(expected));
});

describe('the place of the control socket', () => {
  const long = `/home/ann/${'x'.repeat(90)}`;
  it.each<[string, string, Surroundings, RegExp, string | null]>([
    ['in the profile', '/home/ann/p', linux, /^\/home\/ann\/p\/control\/socket$/, '/home/ann/p/control'],
    [
      'in the runtime folder where the path is too long',
      long,
      { ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1000' } },
      /^\/run\/user\/1000\/postcast\/[0-9a-f]{24}$/,
      '/run/user/1000/postcast',
    ],
    ['under /tmp without one', long, linux, /^\/tmp\/postcast-1000\/[0-9a-f]{24}$/, '/tmp/postcast-1000'],
    [
      'under /tmp where that is too long as well',
      long,
      { ...linux, env: { XDG_RUNTIME_DIR: long } },
      /^\/tmp\/postcast-1000\//,
      '/tmp/postcast-1000',
    ],
    ['a pipe on Windows', 'C:\\p', windows, /^\\\\\.\\pipe\\postcast-[0-9a-f]{24}$/, null],
  ])('is %s', (_name, profile, at, address, folder) => {
    const place = controlPlace(profile, at);
    expect(place.address).toMatch(address);
    expect(place.folder).toBe(folder);
    if (folder !== null) expect(Buffer.byteLength(place.address)).toBeLessThan(104);
  });

  it('differs from profile to profile', () => {
    expect(controlPlace(`${long}1`, linux).address).not.toBe(controlPlace(`${long}2`, linux).address);
  });
});
