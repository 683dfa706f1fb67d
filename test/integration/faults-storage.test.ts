/** The disk is full, cannot be written to, or what is on it is damaged (standards §3). */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
  copyFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSecretStore } from '../../app/secrets/secrets.ts';
import { builtProgram, NOWHERE, tempFolder } from '../support/fault-rig.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { gatewaysAt } from '../support/program-parts.ts';
import { startRig, type ProgramRig } from '../support/program-rig.ts';
import { greetedClient, startLoadSink, submit, submitOver, type LoadSink } from '../support/smtp-load.ts';

const MIB = 1024 * 1024;
const isRoot = process.getuid?.() === 0;

const built = builtProgram();
let sink: LoadSink;
const keep = keepUntilEnd();
beforeAll(async () => {
  sink = keep(await startLoadSink());
});

/** A disk of this many MiB, null if this user may not mount one. */
function smallDisk(size: number): string | null {
  const folder = tempFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    return null;
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
  });
  return folder;
}

const problemIds = (rig: ProgramRig): readonly string[] => rig.program.status().problems.map((p) => p.phrase.id);
const outbox = async (rig: ProgramRig): Promise<number> => {
  const found = await rig.program.api['queue.folders']({});
  return found.ok ? found.value.outbox : -1;
};

/** Fills the disk to the last octet. */
function fill(file: string): void {
  const fd = openSync(file, 'a');
  try {
    for (let piece = MIB; piece >= 1;) {
      try {
        if (writeSync(fd, Buffer.alloc(piece)) < piece) piece = Math.floor(piece / 16);
      } catch {
        piece = Math.floor(piece / 16);
      }
    }
  } finally {
    closeSync(fd);
  }
}

describe.runIf(isRoot)('a full disk', () => {
  test('452 4.3.1 and a problem that is told; what is there is delivered; with room again all goes on by itself', async ({
    skip,
  }) => {
    const disk = smallDisk(100);
    if (disk === null) return skip();
    const rig = await built.start({ profile: disk, settings: NOWHERE });
    const early = ['e1', 'e2', 'e3'];
    for (const name of early) expect(await submit(rig.port, name)).toMatch(/^250/);
    const ballast = path.join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(50 * MIB));
    await expect.poll(() => submit(rig.port, 'full'), { interval: 300 }).toMatch(/^452 4\.3\.1 /);
    expect(problemIds(rig)).toContain('problem.disk-full');
    expect(rig.program.status().state).toBe('attention');
    // Deliveries go on: they need little room, and it was kept for them.
    rig.set({ gateways: gatewaysAt([sink.port]) });
    await expect.poll(() => early.filter((n) => sink.arrived.has(n))).toEqual(early);
    rmSync(ballast);
    await expect.poll(() => submit(rig.port, 'roomy'), { interval: 300 }).toMatch(/^250/);
    await expect.poll(() => sink.arrived.get('roomy')).toBe(1);
    expect(problemIds(rig)).toEqual([]);
    for (const name of early) expect(sink.arrived.get(name)).toBe(1);
  });

  test('not one octet left, in the middle of a large message and while mail goes out: no 250, alive, goes on by itself', async ({
    skip,
  }) => {
    const disk = smallDisk(150);
    if (disk === null) return skip();
    const rig = await built.start({ profile: disk, settings: NOWHERE });
    const early = Array.from({ length: 20 }, (_, i) => `z${i}`);
    for (const name of early) expect(await submit(rig.port, name)).toMatch(/^250/);
    const client = await greetedClient(rig.port);
    if (!client) throw new Error('nobody listens');
    for (const line of ['MAIL FROM:<a@home.test>', 'RCPT TO:<b@example.test>']) await client.say(line);
    expect(await client.say('DATA')).toMatch(/^354/);
    const block = `${'x'.repeat(76)}\r\n`.repeat(20_000);
    client.socket.write(`Subject: large\r\n\r\n${block}`);
    const ballast = path.join(disk, 'ballast');
    fill(ballast);
    client.socket.write(`${block}${block}\r\n.\r\n`);
    expect(await client.reply()).toMatch(/^45[12] 4\.3\./);
    rig.set({ gateways: gatewaysAt([sink.port]) });
    expect(await client.say('NOOP')).toMatch(/^250/);
    client.close();
    const other = await submit(rig.port, 'hopeless');
    expect(other).toMatch(/^45[12] 4\.3\./);
    rmSync(ballast);
    await expect.poll(() => early.filter((n) => sink.arrived.has(n)).length).toBe(20);
    await expect.poll(() => submit(rig.port, 'after'), { interval: 300 }).toMatch(/^250/);
    await expect.poll(() => outbox(rig)).toBe(0);
    for (const name of early) expect(sink.arrived.get(name)).toBe(1);
    await expect.poll(() => problemIds(rig)).toEqual([]);
  });
});

describe.runIf(isRoot)('a disk that is full when the program starts', () => {
  /** A small disk with a profile and mail that waits in it; the program has ended. */
  async function withWaiting(size: number, names: readonly string[]): Promise<string | null> {
    const disk = smallDisk(size);
    if (disk === null) return null;
    const rig = await built.start({ profile: disk, settings: NOWHERE });
    for (const name of names) expect(await submit(rig.port, name)).toMatch(/^250/);
    await rig.stop();
    return disk;
  }
  const allOnce = async (names: readonly string[]): Promise<void> => {
    await expect.poll(() => names.filter((n) => sink.arrived.has(n))).toEqual(names);
    for (const name of names) expect(sink.arrived.get(name)).toBe(1);
  };

  test('nearly: it runs and says so at once, before any mail is refused; what waits goes out', async ({ skip }) => {
    const names = ['near1', 'near2', 'near3'];
    const disk = await withWaiting(100, names);
    if (disk === null) return skip();
    const ballast = path.join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(90 * MIB));
    const rig = await built.start({ profile: disk, settings: { gateways: gatewaysAt([sink.port]) } });
    await expect.poll(() => problemIds(rig)).toEqual(['problem.disk-full']);
    expect(rig.program.status().state).toBe('attention');
    expect(await submit(rig.port, 'near-new')).toMatch(/^452 4\.3\.1 /);
    await allOnce(names);
    rmSync(ballast);
    await expect.poll(() => submit(rig.port, 'near-new'), { interval: 300 }).toMatch(/^250/);
    await expect.poll(() => problemIds(rig)).toEqual([]);
    await allOnce(['near-new']);
  });

  test('to the last octet: it says what to do in a sentence, loses nothing, and starts once there is room', async ({
    skip,
  }) => {
    const names = ['last1', 'last2', 'last3'];
    const disk = await withWaiting(100, names);
    if (disk === null) return skip();
    const ballast = path.join(disk, 'ballast');
    fill(ballast);
    for (let n = 0; n < 2; n += 1)
      await expect(built.start({ profile: disk })).rejects.toThrow(
        `The disk with the folder ${disk} is full. Make some room on it, then start the program again; waiting mail is kept.`,
      );
    rmSync(ballast);
    const rig = await built.start({ profile: disk, settings: { gateways: gatewaysAt([sink.port]) } });
    await allOnce(names);
    expect(await submit(rig.port, 'last-new')).toMatch(/^250/);
    await allOnce(['last-new']);
    expect(readdirSync(disk).filter((name) => name.includes('broken'))).toEqual([]);
    expect(problemIds(rig)).toEqual([]);
  });

  test('with a profile that is new: the same sentence, and a good start later', async ({ skip }) => {
    const disk = smallDisk(100);
    if (disk === null) return skip();
    const ballast = path.join(disk, 'ballast');
    fill(ballast);
    await expect(built.start({ profile: disk })).rejects.toThrow(/(is full|cannot be written to)/);
    rmSync(ballast);
    const rig = await built.start({ profile: disk, settings: { gateways: gatewaysAt([sink.port]) } });
    expect(await submit(rig.port, 'fresh-new')).toMatch(/^250/);
    await allOnce(['fresh-new']);
    expect(problemIds(rig)).toEqual([]);
  });
});

/** An ext4 disk in a file, which the kernel makes read-only when it is told of an error; null if there is none to be had. */
function ext4Disk(): { readonly folder: string; fail(): void; mend(): void } | null {
  const image = path.join(tempFolder(), 'image');
  const folder = tempFolder();
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync(command, [...args], { stdio: 'pipe', encoding: 'utf8' });
  let device: string;
  try {
    writeFileSync(image, '');
    truncateSync(image, 160 * MIB);
    run('mkfs.ext4', '-q', image);
    device = run('losetup', '--find', '--show', image).trim();
  } catch {
    return null;
  }
  onTestFinished(() => {
    run('losetup', '--detach', device);
  });
  try {
    run('mount', '-o', 'errors=remount-ro', device, folder);
  } catch {
    return null;
  }
  onTestFinished(() => {
    run('umount', '-l', folder);
  });
  const trigger = path.join('/sys/fs/ext4', path.basename(device), 'trigger_fs_error');
  if (!existsSync(trigger)) return null;
  return {
    folder,
    fail: () => {
      writeFileSync(trigger, '1');
    },
    mend: () => {
      run('umount', '-l', folder);
      run('mount', '-o', 'errors=remount-ro', device, folder);
    },
  };
}

describe.runIf(isRoot)('a profile that cannot be written to', () => {
  test('from the start: the program says so in words and takes no mail', async ({ skip }) => {
    const disk = smallDisk(20);
    if (disk === null) return skip();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await expect(built.start({ profile: disk })).rejects.toThrow(/cannot be written to/);
  });

  test('while running: never 250, told as a problem, nothing lost, and right again once it can be written to', async ({
    skip,
  }) => {
    const disk = ext4Disk();
    if (disk === null) return skip();
    const rig = await built.start({ profile: disk.folder, settings: NOWHERE });
    const names = ['ro1', 'ro2', 'ro3'];
    for (const name of names) expect(await submit(rig.port, name)).toMatch(/^250/);
    disk.fail();
    for (let n = 0; n < 3; n += 1) expect(await submit(rig.port, `ro-during-${n}`)).toMatch(/^451 4\.3\.0 /);
    await expect.poll(() => problemIds(rig)).toEqual(['problem.read-only']);
    expect(rig.program.status().state).toBe('attention');
    disk.mend();
    rig.set({ gateways: gatewaysAt([sink.port]) });
    await expect.poll(() => submit(rig.port, 'ro-after'), { interval: 300 }).toMatch(/^250/);
    const all = [...names, 'ro-after'];
    await expect.poll(() => all.filter((n) => sink.arrived.has(n))).toEqual(all);
    for (const name of all) expect(sink.arrived.get(name)).toBe(1);
    expect([...sink.arrived.keys()].filter((n) => n.startsWith('ro-during'))).toEqual([]);
    await expect.poll(() => problemIds(rig)).toEqual([]);
  });
});

describe('a damaged queue', () => {
  /** A profile with mail that waits; the program has ended. */
  async function withMail(count: number, clean = true, lanes = 10): Promise<string> {
    const profile = tempFolder();
    const rig = await startRig(built.get(), { profile, settings: NOWHERE });
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        const client = await greetedClient(rig.port);
        if (!client) throw new Error('nobody listens');
        for (let i = lane; i < count; i += lanes) {
          expect(await submitOver(client, `d${i}`, { size: 6_000 })).toMatch(/^250/);
        }
        client.close();
      }),
    );
    if (clean) {
      await rig.stop();
      return profile;
    }
    const copy = tempFolder();
    for (const name of ['queue.db', 'queue.db-wal']) {
      if (existsSync(path.join(profile, name))) copyFileSync(path.join(profile, name), path.join(copy, name));
    }
    await rig.stop();
    return copy;
  }
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + 13) & 0xff));
  const overwrite = (file: string, at: number, bytes: Buffer): void => {
    const fd = openSync(file, 'r+');
    writeSync(fd, bytes, 0, bytes.length, at);
    closeSync(fd);
  };
  const brokenFiles = (profile: string): readonly string[] =>
    readdirSync(profile).filter((name) => name.startsWith('queue.db.broken-'));

  test.each([
    [
      'cut',
      (file: string) => {
        truncateSync(file, Math.floor((statSync(file).size * 0.8) / 4096) * 4096);
      },
      5,
    ],
    [
      'first page gone',
      (file: string) => {
        overwrite(file, 0, Buffer.alloc(4096));
      },
      30,
    ],
    [
      'noise',
      (file: string) => {
        writeFileSync(file, noise(statSync(file).size));
      },
      0,
    ],
    [
      'HTML',
      (file: string) => {
        writeFileSync(file, '<html>'.repeat(4000));
      },
      0,
    ],
  ])('at start, %s: set aside and told, new mail is taken, what was saved is delivered', async (_, harm, atLeast) => {
    // One after the other: where a message lies in the file is no matter of chance.
    const profile = await withMail(30, true, 1);
    harm(path.join(profile, 'queue.db'));
    const rig = await built.start({ profile, settings: { gateways: gatewaysAt([sink.port]) } });
    expect(rig.program.status().state).toBe('attention');
    const [problem] = rig.program.status().problems;
    expect(problem?.phrase.id).toBe('problem.queue-set-aside');
    expect(brokenFiles(profile)).toContain(problem?.phrase.params?.['file']);
    const saved = Number(problem?.phrase.params?.['count']);
    expect(saved).toBeGreaterThanOrEqual(atLeast);
    const name = `new-${_}`;
    expect(await submit(rig.port, name)).toMatch(/^250/);
    await expect.poll(() => sink.arrived.get(name)).toBe(1);
    await expect.poll(() => outbox(rig)).toBe(0);
  });

  test('at start, a cut log: what it held before the cut is there, nothing is set aside', async () => {
    const profile = await withMail(30, false);
    const wal = path.join(profile, 'queue.db-wal');
    truncateSync(wal, Math.floor(statSync(wal).size * 0.6));
    const rig = await built.start({ profile, settings: NOWHERE });
    expect(brokenFiles(profile)).toEqual([]);
    expect(await outbox(rig)).toBeGreaterThan(5);
    expect(await submit(rig.port, 'new-log')).toMatch(/^250/);
  });

  test.each([
    [
      'cut',
      (file: string) => {
        truncateSync(file, 40 * 4096);
      },
    ],
    [
      'first page gone',
      (file: string) => {
        overwrite(file, 0, Buffer.alloc(4096));
      },
    ],
    [
      'noise',
      (file: string) => {
        overwrite(file, 0, noise(statSync(file).size));
      },
    ],
    [
      'log cut',
      (file: string) => {
        truncateSync(`${file}-wal`, 0);
      },
    ],
    [
      'log noise',
      (file: string) => {
        overwrite(`${file}-wal`, 0, noise(statSync(`${file}-wal`).size));
      },
    ],
  ])('while running, %s: alive, takes new mail again within seconds, and says what happened', async (what, harm) => {
    const profile = await withMail(200);
    const rig = await built.start({ profile, settings: NOWHERE });
    for (let i = 0; i < 10; i += 1) expect(await submit(rig.port, `w${i}`)).toMatch(/^250/);
    const list = { folder: 'outbox', search: '', descending: false, offset: 0, limit: 500 } as const;
    const rows = await rig.program.api['queue.list']({ ...list, sort: 'age' });
    expect(rows.ok && rows.value.rows.length).toBe(210);
    harm(path.join(profile, 'queue.db'));
    // Somebody looks at the queue: what is not in memory is read, and the damage met.
    for (const { id } of rows.ok ? rows.value.rows : []) {
      await rig.program.api['queue.raw']({ id, offset: 0, length: 1000 });
    }
    for (const sort of ['subject', 'size', 'state'] as const) await rig.program.api['queue.list']({ ...list, sort });
    // A cut log may be noticed only when more is written: that mail is answered 451, or lost with the log itself. What
    // comes after is taken and delivered.
    rig.set({ gateways: gatewaysAt([sink.port]) });
    const names: string[] = [];
    const anyArrived = (): boolean => names.some((name) => sink.arrived.has(name));
    const patience = Date.now() + 60_000;
    for (let n = 0; !anyArrived() && Date.now() < patience; n += 1) {
      const name = `back-${what}-${n}`;
      const size = n % 2 === 0 ? 1_000 : 700_000;
      await expect.poll(() => submit(rig.port, name, { size }), { interval: 200 }).toMatch(/^250/);
      names.push(name);
      for (let looks = 0; looks < 60 && !anyArrived(); looks += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    expect(anyArrived()).toBe(true);
    // Whatever was set aside is told.
    expect(problemIds(rig).includes('problem.queue-set-aside')).toBe(brokenFiles(profile).length > 0);
    await rig.stop();
    const again = await built.start({ profile, settings: NOWHERE });
    expect(await submit(again.port, 'again')).toMatch(/^250/);
  });
});

describe('the file of the stored passwords', () => {
  test('cannot be read: the user is told, none is kept in their place, and they are there again', async () => {
    const profile = tempFolder();
    const file = path.join(profile, 'secrets');
    const given = { acceptObfuscated: false };
    const open = (): ReturnType<typeof createSecretStore> =>
      createSecretStore({
        file,
        safeStorage: {
          isEncryptionAvailable: () => true,
          encryptString: (text) => Buffer.from(text),
          decryptString: (bytes) => bytes.toString(),
        },
        platform: 'darwin',
        ready: Promise.resolve(),
        problem: () => undefined,
      });
    await open().set('gateway:g0', 'hush', given);
    // Whatever the reason: here a folder that has its name.
    renameSync(file, `${file}.away`);
    mkdirSync(file);
    const secrets = open();
    const rig = await built.start({ profile, settings: { gateways: gatewaysAt([9]) }, parts: { secrets } });
    expect(problemIds(rig)).toEqual(['problem.secretsUnreadable']);
    const refused = await rig.program.api['secrets.set']({ gatewayId: 'g0', secret: 'new', acceptObfuscated: false });
    expect(refused).toMatchObject({ ok: false, error: { code: 'secret-unreadable' } });
    rmdirSync(file);
    renameSync(`${file}.away`, file);
    expect(await secrets.get('gateway:g0')).toBe('hush');
    expect(await submit(rig.port, 's')).toMatch(/^250/);
    await expect.poll(() => problemIds(rig), { timeout: 30_000 }).toEqual([]);
  });
});
