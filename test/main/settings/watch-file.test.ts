import { mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchForChanges, type WatchFileOptions } from '../../../main/settings/watch-file.ts';
import { keepDuringTest } from '../../support/kept.ts';

const keep = keepDuringTest();
const WAIT = { timeout: 30_000 };
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'watch-file-'));
  file = path.join(folder, 'settings.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Watching {
  told(): number;
  /** Resolves once `change` was told of. */
  after(change: () => void): Promise<void>;
  close(): void;
}

function watching(options: WatchFileOptions = {}): Watching {
  let told = 0;
  const { close } = keep(
    watchForChanges(
      file,
      () => {
        told += 1;
      },
      options,
    ),
  );
  return {
    told: () => told,
    async after(change) {
      const before = told;
      change();
      await expect.poll(() => told, WAIT).toBeGreaterThan(before);
    },
    close,
  };
}

const replaceWith = (text: string): void => {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
};

describe('a watched file', () => {
  it('is told of when it is written in place and when it is replaced, each time again', async () => {
    writeFileSync(file, 'a');
    const watched = watching();
    for (let n = 0; n < 2; n += 1) {
      await watched.after(() => {
        writeFileSync(file, `in place ${n}`);
      });
      await watched.after(() => {
        replaceWith(`replaced ${n}`);
      });
    }
  });

  it('is told of when it comes, goes and comes again', async () => {
    const watched = watching();
    await watched.after(() => {
      writeFileSync(file, 'a');
    });
    await watched.after(() => {
      rmSync(file);
    });
    await watched.after(() => {
      replaceWith('b');
    });
    await watched.after(() => {
      writeFileSync(file, 'c');
    });
  });

  it('is told of once for what is written in one go', async () => {
    writeFileSync(file, 'a');
    const watched = watching();
    await watched.after(() => {
      for (let n = 0; n < 50; n += 1) writeFileSync(file, `${n}`);
      replaceWith('end');
    });
    expect(watched.told()).toBe(1);
  });

  it('is not told of for the files beside it', async () => {
    writeFileSync(file, 'a');
    const targets: string[] = [];
    const spied = ((target: string, ...rest: [never, never]) => {
      targets.push(target);
      return watch(target, ...rest);
    }) as typeof watch;
    const watched = watching({ watch: spied });
    // The queue lies in the same folder: no word of it may come in at all.
    expect(targets).toEqual([file]);
    writeFileSync(path.join(folder, 'queue.db'), 'x');
    await watched.after(() => {
      writeFileSync(file, 'b');
    });
    expect(targets).toEqual([file, file]);
  });

  it('is looked at every few seconds where the system gives no word, and that is said once', async () => {
    writeFileSync(file, 'a');
    const why: unknown[] = [];
    const watched = watching({
      watch: () => {
        throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
      },
      looksInstead: (error) => why.push(error),
    });
    // The first word is that of the beginning.
    await expect.poll(() => watched.told(), WAIT).toBe(1);
    // More than once: its first look may be late.
    let written = 0;
    await expect
      .poll(
        () => {
          writeFileSync(file, `changed ${(written += 1)}`);
          return watched.told();
        },
        { ...WAIT, interval: 1000 },
      )
      .toBeGreaterThan(1);
    expect(why).toMatchObject([{ code: 'ENOSPC' }]);
  });

  it('is let go of', async () => {
    writeFileSync(file, 'a');
    const closed = watching();
    const open = watching();
    closed.close();
    await open.after(() => {
      writeFileSync(file, 'b');
    });
    expect(closed.told()).toBe(0);
  });
});
