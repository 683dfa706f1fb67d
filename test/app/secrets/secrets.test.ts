import { mkdir, mkdtemp, readFile, readdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretStore, type SafeStorage } from '../../../app/secrets/secrets.ts';
import type { SecretBinding } from '../../../shared/secret-binding.ts';
import { expectMode, hasSymlinks } from '../../support/unix-files.ts';

type Backend = 'gnome_libsecret' | 'basic_text';

/** Behaves as Electron's on Linux; "encrypts" so that plain text is never on disk. */
class FakeSafeStorage implements SafeStorage {
  plainAllowed = false;
  touchedBefore = false;
  backend: Backend;
  unlocked = true;
  ready: boolean;
  constructor(backend: Backend, ready = true) {
    this.backend = backend;
    this.ready = ready;
  }
  #touch(): void {
    if (!this.ready) this.touchedBefore = true;
  }
  getSelectedStorageBackend(): string {
    this.#touch();
    return this.backend;
  }
  isEncryptionAvailable(): boolean {
    this.#touch();
    return this.backend === 'basic_text' ? this.plainAllowed : this.unlocked;
  }
  setUsePlainTextEncryption(use: boolean): void {
    this.plainAllowed = use;
  }
  encryptString(text: string): Buffer {
    if (!this.isEncryptionAvailable()) throw new Error(`cannot encrypt ${text}`);
    return Buffer.from(`${this.backend === 'basic_text' ? 'v10' : 'v11'}${Array.from(text).reverse().join('')}`);
  }
  decryptString(bytes: Buffer): string {
    const text = bytes.toString('utf8');
    if (text.startsWith('v11') ? this.backend === 'basic_text' || !this.unlocked : !this.isEncryptionAvailable()) {
      throw new Error('cannot decrypt');
    }
    return Array.from(text.slice(3)).reverse().join('');
  }
}

let folder: string;
let file: string;
const problems: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pc-secrets-'));
  file = path.join(folder, 'secrets');
  problems.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(safeStorage: SafeStorage, ready: Promise<unknown> = Promise.resolve()) {
  return createSecretStore({
    file,
    safeStorage,
    platform: 'linux',
    ready,
    problem: (event, error) => problems.push(`${event}: ${(error as Error).message}`),
  });
}

describe('secrets with a key ring', () => {
  it('are kept over a restart, encrypted, for this user only', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('gateway:office', 'hunter2', { acceptObfuscated: false });
    expect([store.has('gateway:office'), store.names()]).toEqual([true, ['gateway:office']]);
    expect(store.state()).toEqual({ protection: 'protected', backend: 'gnome_libsecret' });
    expect(await readFile(file, 'utf8')).not.toMatch(/hunter2|2retnuh/);
    expectMode(file, 0o600);
    expect(await readdir(folder)).toEqual(['secrets']);
    expect(await open(ring).get('gateway:office')).toBe('hunter2');
  });

  it('are gone when they are removed', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('a', 'x', { acceptObfuscated: false });
    await store.set('a', null, { acceptObfuscated: false });
    expect([store.has('a'), await store.get('a'), await open(ring).get('a')]).toEqual([false, null, null]);
  });

  it('cannot be stored nor read while the ring is locked, and that is said', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    await open(ring).set('a', 'hunter2', { acceptObfuscated: false });
    ring.unlocked = false;
    const store = open(ring);
    await Promise.resolve();
    expect(await store.get('a')).toBeNull();
    expect(store.state()).toEqual({ protection: 'none', backend: 'gnome_libsecret (locked)' });
    await expect(store.set('b', 'y', { acceptObfuscated: true })).rejects.toMatchObject({ reason: 'locked' });
    ring.unlocked = true;
    expect(await store.get('a')).toBe('hunter2');
    expect(problems.join('\n')).toContain('locked');
    expect(problems.join('\n')).not.toContain('hunter2');
  });

  it('wait for Electron to be ready before they are touched', async () => {
    let go: (() => void) | undefined;
    const ring = new FakeSafeStorage('gnome_libsecret', false);
    const store = open(ring, new Promise<void>((resolve) => (go = resolve)));
    expect(store.state()).toEqual({ protection: 'none', backend: 'starting' });
    const setting = store.set('a', 'x', { acceptObfuscated: false });
    await Promise.resolve();
    expect(ring.touchedBefore).toBe(false);
    ring.ready = true;
    go!();
    await setting;
    expect(await store.get('a')).toBe('x');
  });

  it('written at once are all kept', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.set(`s${i}`, `v${i}`, { acceptObfuscated: false })));
    const again = open(ring);
    expect(await Promise.all(Array.from({ length: 20 }, (_, i) => again.get(`s${i}`)))).toEqual(
      Array.from({ length: 20 }, (_, i) => `v${i}`),
    );
  });
});

describe('secrets without a key ring', () => {
  it('are not stored unless the user agreed', async () => {
    const store = open(new FakeSafeStorage('basic_text'));
    await expect(store.set('a', 'hunter2', { acceptObfuscated: false })).rejects.toMatchObject({
      reason: 'needs-consent',
    });
    expect(store.has('a')).toBe(false);
    expect(store.state()).toEqual({ protection: 'none', backend: 'basic_text' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('are obfuscated when the user agreed, and said to be; readable after a restart', async () => {
    const store = open(new FakeSafeStorage('basic_text'));
    await store.set('a', 'hunter2', { acceptObfuscated: true });
    expect(store.state()).toEqual({ protection: 'obfuscated', backend: 'basic_text' });
    expect(await readFile(file, 'utf8')).not.toContain('hunter2');
    expect(await open(new FakeSafeStorage('basic_text')).get('a')).toBe('hunter2');
  });

  it('are protected as soon as a key ring is there', async () => {
    await open(new FakeSafeStorage('basic_text')).set('a', 'hunter2', { acceptObfuscated: true });
    const store = open(new FakeSafeStorage('gnome_libsecret'));
    expect(await store.get('a')).toBe('hunter2');
    await store.set('b', 'y', { acceptObfuscated: false });
    const kept = JSON.parse(await readFile(file, 'utf8')) as { entries: Record<string, { protection: string }> };
    expect(kept.entries['a']?.protection).toBe('protected');
  });
});

describe('the file of the secrets', () => {
  const agreed = { acceptObfuscated: false };
  const ring = new FakeSafeStorage('gnome_libsecret');

  it.each([
    ['cut in half', '{"version":1,"entr'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['without entries', '{"version":1}'],
    ['of a version that nobody knows yet', '{"version":9,"entries":{"a":{"protection":"protected","data":"eA=="}}}'],
  ])('is set aside when it is %s, and nothing is lost silently', async (_name, text) => {
    await writeFile(file, text);
    const store = open(ring);
    expect(problems[0]).toContain('set aside');
    await store.set('a', 'x', agreed);
    const aside = (await readdir(folder)).filter((name) => name !== 'secrets');
    expect(aside).toEqual([expect.stringMatching(/^secrets\.broken-/)]);
    expect(await readFile(path.join(folder, aside[0]!), 'utf8')).toBe(text);
    expect(store.fault()).toEqual({ kind: 'set-aside', file: aside[0] });
  });

  it('that is damaged again does not take the place of the one that was set aside before', async () => {
    for (const text of ['{"first', '{"second', '{"third']) {
      await writeFile(file, text);
      await open(ring).set('a', 'x', agreed);
    }
    const aside = (await readdir(folder)).filter((name) => name !== 'secrets');
    const texts = await Promise.all(aside.map((name) => readFile(path.join(folder, name), 'utf8')));
    expect(texts.sort()).toEqual(['{"first', '{"second', '{"third']);
  });

  it('that could not be read once keeps the others at the next save', async () => {
    await open(ring).set('gateway:a', 'one', agreed);
    await rename(file, path.join(folder, 'elsewhere'));
    // Whatever the reason: here a folder that has its name.
    await mkdir(file);
    const store = open(ring);
    expect(problems.join()).toContain('EISDIR');
    expect(store.fault()).toEqual({ kind: 'unreadable', why: 'EISDIR' });
    await expect(store.set('gateway:b', 'two', agreed)).rejects.toMatchObject({ reason: 'unreadable' });
    await expect(store.set('gateway:a', null, agreed)).rejects.toMatchObject({ reason: 'unreadable' });
    expect(await store.get('gateway:a')).toBeNull();
    await rmdir(file);
    await rename(path.join(folder, 'elsewhere'), file);
    expect(await store.get('gateway:a')).toBe('one');
    expect(store.fault()).toBeNull();
    await store.set('gateway:b', 'two', agreed);
    const again = open(ring);
    expect([await again.get('gateway:a'), await again.get('gateway:b')]).toEqual(['one', 'two']);
  });

  it.skipIf(!hasSymlinks)('on a volume that is not there at the moment is not an empty one', async () => {
    const volume = path.join(folder, 'volume');
    await mkdir(volume);
    await symlink(path.join(volume, 'secrets'), file);
    await writeFile(path.join(volume, 'secrets'), '{"version":2,"entries":{}}');
    await open(ring).set('gateway:a', 'one', agreed);
    await rename(volume, `${volume}-away`);
    await expect(open(ring).set('gateway:b', 'two', agreed)).rejects.toMatchObject({ reason: 'unreadable' });
    await rename(`${volume}-away`, volume);
    expect(await open(ring).get('gateway:a')).toBe('one');
    expect(await readdir(volume)).toEqual(['secrets']);
  });

  it('keeps what cannot be decrypted, and what it does not understand, as it is', async () => {
    await open(ring).set('gateway:a', 'one', agreed);
    const kept = JSON.parse(await readFile(file, 'utf8')) as { entries: Record<string, object> };
    const strange = {
      'gateway:b': { protection: 'protected', data: Buffer.from('v10nobody').toString('base64'), more: [1] },
      'gateway:c': { sealed: 'by a later version' },
      'gateway:d': 'text',
    };
    await writeFile(file, JSON.stringify({ ...kept, comment: 'mine', entries: { ...kept.entries, ...strange } }));
    const locked = new FakeSafeStorage('gnome_libsecret');
    locked.decryptString = () => {
      throw new Error('no');
    };
    const store = open(locked);
    expect([await store.get('gateway:b'), await store.get('gateway:c'), await store.get('gateway:d')]).toEqual([
      null,
      null,
      null,
    ]);
    await store.set('gateway:e', 'new', agreed);
    const after = JSON.parse(await readFile(file, 'utf8')) as { comment: string; entries: Record<string, object> };
    expect(after.entries).toMatchObject(strange);
    expect(after.comment).toBe('mine');
    expect(await open(ring).get('gateway:a')).toBe('one');
  });

  it('that cannot be written leaves the old secrets in force', async () => {
    const store = open(ring);
    await store.set('a', 'old', agreed);
    await rm(folder, { recursive: true });
    await expect(store.set('a', 'new', agreed)).rejects.toMatchObject({ reason: 'write' });
    await expect(store.set('a', null, agreed)).rejects.toMatchObject({ reason: 'write' });
    expect(await store.get('a')).toBe('old');
  });

  it('is not written over when what was damaged cannot be set aside', async () => {
    // The system has no room for a longer name.
    file = path.join(folder, 's'.repeat(250));
    await writeFile(file, '{"only copy');
    const store = open(ring);
    await expect(store.set('a', 'x', agreed)).rejects.toMatchObject({ reason: 'unreadable' });
    expect(await readFile(file, 'utf8')).toBe('{"only copy');
    expect(store.fault()).toEqual({
      kind: 'unreadable',
      why: expect.stringMatching(/^damaged, and cannot be set aside: (ENAMETOOLONG|ENOENT|EINVAL)$/) as string,
    });
  });
});

it('a key store that goes away while it is asked keeps nothing, says so, and leaves what was kept', async () => {
  const ring = new FakeSafeStorage('gnome_libsecret');
  const store = open(ring);
  await store.set('gateway:a', 'one', { acceptObfuscated: false });
  const encrypt = ring.encryptString.bind(ring);
  ring.encryptString = (text) => {
    throw new Error(`no service for ${text}`);
  };
  const refused = store.set('gateway:a', 'hunter2', { acceptObfuscated: false });
  await expect(refused).rejects.toMatchObject({ name: 'SecretError', reason: 'locked' });
  await expect(refused).rejects.not.toThrow('hunter2');
  expect(problems.join()).not.toContain('hunter2');
  ring.encryptString = encrypt;
  expect(await open(ring).get('gateway:a')).toBe('one');
});

describe('secrets that are put aside', () => {
  const agreed = { acceptObfuscated: false };
  it('leave the file and come back as they were, also while the key ring is locked', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('gateway:a', 'one', { ...agreed, binding: BOUND });
    ring.unlocked = false;
    await store.putAside('gateway:a');
    expect(store.has('gateway:a')).toBe(false);
    expect(await readFile(file, 'utf8')).not.toContain('gateway:a');
    expect(await store.bringBack('gateway:a')).toBe(true);
    expect(await store.bringBack('gateway:a')).toBe(false);
    ring.unlocked = true;
    const again = open(ring);
    expect([await again.get('gateway:a'), again.binding('gateway:a')]).toEqual(['one', BOUND]);
  });

  it('do not take the place of a newer one', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('gateway:a', 'one', agreed);
    await store.putAside('gateway:a');
    await store.set('gateway:a', 'two', agreed);
    expect(await store.bringBack('gateway:a')).toBe(false);
    expect(await store.get('gateway:a')).toBe('two');
  });
});

const BOUND: SecretBinding = {
  host: 'smtp.a.test',
  port: 587,
  security: 'starttls',
  allowInsecureAuth: false,
  allowInvalidCertificate: false,
  oauthIssuer: '',
  oauthClientId: '',
  proxy: '',
  dnsServers: ['192.0.2.53'],
};

describe('what a secret was given for', () => {
  const agreed = { acceptObfuscated: false };
  it('is kept with it, over a restart and a new value, and told without the key ring', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('gateway:a', 'one', { ...agreed, binding: BOUND });
    await store.set('gateway:a', 'renewed', agreed);
    ring.unlocked = false;
    expect([open(ring).binding('gateway:a'), open(ring).binding('gateway:b')]).toEqual([BOUND, null]);
  });

  it('can be changed without the secret', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('gateway:a', 'one', { ...agreed, binding: BOUND });
    ring.unlocked = false;
    const done = store.bind(new Map([['gateway:a', { ...BOUND, proxy: 'socks5://p:1' }], ['gateway:b', BOUND]])); // prettier-ignore
    expect(store.binding('gateway:a')?.proxy).toBe('socks5://p:1');
    await done;
    expect([open(ring).binding('gateway:a')?.proxy, open(ring).has('gateway:b')]).toEqual(['socks5://p:1', false]);
  });

  it('is not known of secrets that an older version kept, once', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const old = { 'gateway:a': 'one', 'gateway:b': 'two' };
    const entries = Object.fromEntries(
      Object.entries(old).map(([name, value]) => [
        name,
        { protection: 'protected', data: ring.encryptString(value).toString('base64') },
      ]),
    );
    await writeFile(file, JSON.stringify({ version: 1, entries }));
    const store = open(ring);
    expect([store.unbound(), store.binding('gateway:a')]).toEqual([['gateway:a', 'gateway:b'], null]);
    await store.bind(new Map([['gateway:a', BOUND]]));
    const again = open(ring);
    expect([again.unbound(), again.binding('gateway:a'), again.binding('gateway:b')]).toEqual([[], BOUND, null]);
    expect(await again.get('gateway:b')).toBe('two');
  });

  it.each([
    ['text', 'smtp.a.test'],
    ['without a host', { ...BOUND, host: undefined }],
    ['a port that is none', { ...BOUND, port: '587' }],
    ['a flag that is none', { ...BOUND, allowInsecureAuth: 'no' }],
  ])('counts as unknown when it is %s', async (_name, binding) => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    await open(ring).set('gateway:a', 'one', { ...agreed, binding: BOUND });
    const kept = JSON.parse(await readFile(file, 'utf8')) as { entries: Record<string, object> };
    kept.entries['gateway:a'] = { ...kept.entries['gateway:a'], binding };
    await writeFile(file, JSON.stringify(kept));
    expect(open(ring).binding('gateway:a')).toBeNull();
    expect(await open(ring).get('gateway:a')).toBe('one');
  });
});
