/**
 * A log file that cannot hurt the program: lines are gathered for a fifth of a second and appended in one write, sizes
 * are bounded by rotation, a write that fails (disk full, folder gone) loses lines and nothing else. No fsync. 0600.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';

export type LogMode = 'off' | 'single' | 'daily';

export interface LogFileOptions {
  readonly directory: string;
  readonly mode: LogMode;
  readonly clock: Clock;
  /** Octets a file may have before it is put aside; default 10 MiB. */
  readonly maxFileBytes?: number;
  /** Files put aside that are kept, the newest; default 5 (single) and 30 (daily). */
  readonly keep?: { readonly single: number; readonly daily: number };
}

const GATHER_MS = 200;
const GATHER_BYTES = 64 * 1024;
/** What may wait while the disk does not take it; beyond it the oldest lines go. */
const WAITING_BYTES = 1024 * 1024;
const NAME = /^postcast(-\d{4}-\d\d-\d\d)?(\.\d+)?\.log$/;

/** Lines that go to the same file. */
interface Batch {
  readonly mode: LogMode;
  readonly lines: string[];
}

export class LogFile {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #maxFileBytes: number;
  readonly #keep: { readonly single: number; readonly daily: number };
  #mode: LogMode;
  #batches: Batch[] = [];
  #waiting = 0;
  #lost = 0;
  #cancel: (() => void) | null = null;
  #work: Promise<void> = Promise.resolve();
  #queued = false;
  #handle: FileHandle | null = null;
  #name = '';
  #size = 0;
  #inode = 0;
  #closed = false;

  constructor(options: LogFileOptions) {
    this.#dir = options.directory;
    this.#mode = options.mode;
    this.#clock = options.clock;
    this.#maxFileBytes = options.maxFileBytes ?? 10 * 1024 ** 2;
    this.#keep = options.keep ?? { single: 5, daily: 30 };
  }

  get off(): boolean {
    return this.#mode === 'off';
  }

  /** Takes effect for the lines that follow. */
  setMode(mode: LogMode): void {
    this.#mode = mode;
  }

  /** Adds a line (without line break). Never throws. */
  line(text: string): void {
    if (this.#mode === 'off' || this.#closed) return;
    const last = this.#batches.at(-1);
    if (last?.mode === this.#mode) last.lines.push(text);
    else this.#batches.push({ mode: this.#mode, lines: [text] });
    this.#waiting += text.length + 1;
    if (this.#waiting > WAITING_BYTES) this.#dropOldest();
    if (this.#waiting >= GATHER_BYTES) this.#write();
    else this.#cancel ??= this.#clock.after(GATHER_MS, () => this.#write());
  }

  /** Resolves when all lines so far were handed to the system, or lost. */
  async flush(): Promise<void> {
    this.#write();
    await this.#work;
  }

  /** The last lines of a program that is about to die. */
  flushSync(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const { mode, lines } of this.#take()) {
      try {
        mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
        appendFileSync(join(this.#dir, this.#fileName(mode)), `${lines.join('\n')}\n`, { mode: 0o600 });
      } catch {
        // Nobody is left to tell.
      }
    }
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
    await this.#shut();
  }

  #fileName(mode: LogMode): string {
    if (mode !== 'daily') return 'postcast.log';
    const now = new Date(this.#clock.now());
    const pad = (n: number): string => String(n).padStart(2, '0');
    return `postcast-${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}.log`;
  }

  #take(): Batch[] {
    const batches = this.#batches;
    this.#batches = [];
    this.#waiting = 0;
    return batches;
  }

  #dropOldest(): void {
    const first = this.#batches[0];
    if (!first) return;
    const half = Math.ceil(first.lines.length / 2);
    for (const line of first.lines.splice(0, half)) this.#waiting -= line.length + 1;
    if (first.lines.length === 0) this.#batches.shift();
    this.#lost += half;
  }

  #write(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#queued) return;
    this.#queued = true;
    this.#work = this.#work.then(async () => {
      this.#queued = false;
      for (const batch of this.#take()) await this.#append(batch);
    });
  }

  async #append({ mode, lines }: Batch): Promise<void> {
    try {
      const handle = await this.#file(this.#fileName(mode));
      const lost = this.#lost > 0 ? `${this.#lost} lines of the log were lost\n` : '';
      const octets = Buffer.from(`${lost}${lines.join('\n')}\n`, 'utf8');
      await handle.appendFile(octets);
      this.#lost = 0;
      this.#size += octets.length;
    } catch {
      this.#lost += lines.length;
      await this.#shut();
    }
  }

  /** The file of that name, opened; what is full is put aside first. */
  async #file(name: string): Promise<FileHandle> {
    const path = join(this.#dir, name);
    if (this.#handle && name === this.#name && this.#size < this.#maxFileBytes && (await this.#stands(path)))
      return this.#handle;
    await this.#shut();
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const size = await stat(path).then(
      (s) => s.size,
      () => 0,
    );
    if (size >= this.#maxFileBytes) await this.#putAside(name);
    const handle = await open(path, 'a', 0o600);
    await chmod(path, 0o600).catch(() => undefined);
    this.#handle = handle;
    this.#name = name;
    const opened = await handle.stat();
    this.#size = opened.size;
    this.#inode = opened.ino;
    await this.#forgetOld(name);
    return handle;
  }

  /** False once the user removed or moved the open file: what is written to it then nobody sees. */
  async #stands(path: string): Promise<boolean> {
    return stat(path).then(
      (s) => s.ino === this.#inode,
      () => false,
    );
  }

  /** x.log becomes x.1.log, x.1.log becomes x.2.log, … */
  async #putAside(name: string): Promise<void> {
    const base = name.slice(0, -'.log'.length);
    const keep = this.#keep.single;
    await rm(join(this.#dir, `${base}.${keep}.log`), { force: true });
    for (let i = keep - 1; i >= 0; i--) {
      const from = i === 0 ? name : `${base}.${i}.log`;
      await rename(join(this.#dir, from), join(this.#dir, `${base}.${i + 1}.log`)).catch(() => undefined);
    }
  }

  /** Daily files past their number go, the oldest first. */
  async #forgetOld(current: string): Promise<void> {
    const names = (await readdir(this.#dir)).filter(
      (name) => name.startsWith('postcast-') && NAME.test(name) && name !== current,
    );
    const old = names.sort().reverse().slice(this.#keep.daily);
    for (const name of old) await rm(join(this.#dir, name), { force: true });
  }

  async #shut(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    this.#name = '';
    await handle?.close().catch(() => undefined);
  }
}
