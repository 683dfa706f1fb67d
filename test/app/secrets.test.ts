import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretStore, type SafeStorage } from '../../app/secrets.ts';

type Backend = 'gnome_libsecret' | 'basic_text';

/** Behaves as Electron's on Linux (RUNTIME §3); "encrypts" so that plain text is never on disk. */
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
    expect([store.has('gateway:office'), store.names?.()]).toEqual([true, ['gateway:office']]);
    expect(store.state()).toEqual({ protection: 'protected', backend: 'gnome_libsecret' });
    expect(await readFile(file, 'utf8')).not.toMatch(/hunter2|2retnuh/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
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
  it('is set aside when it is broken, and nothing is lost silently', async () => {
    await writeFile(file, '{"version":1,"entr');
    const store = open(new FakeSafeStorage('gnome_libsecret'));
    expect(problems[0]).toContain('set aside');
    await store.set('a', 'x', { acceptObfuscated: false });
    expect((await readdir(folder)).sort()).toEqual(['secrets', 'secrets.broken']);
  });

  it('that cannot be written leaves the old secret in force', async () => {
    const ring = new FakeSafeStorage('gnome_libsecret');
    const store = open(ring);
    await store.set('a', 'old', { acceptObfuscated: false });
    await rm(folder, { recursive: true });
    await expect(store.set('a', 'new', { acceptObfuscated: false })).rejects.toMatchObject({ reason: 'write' });
    expect(await store.get('a')).toBe('old');
  });
});
