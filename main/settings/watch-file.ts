/** Notices that somebody else wrote into a file: an editor in place, or by putting another file under its name. */
import { existsSync, unwatchFile, watch, watchFile, type FSWatcher } from 'node:fs';
import path from 'node:path';

/** Editors write in several steps; half a file must not be read. */
const SETTLE_MS = 300;
/** Where the system gives no word of changes any more. */
const LOOK_EVERY_MS = 5_000;

export interface WatchedFile {
  close(): void;
}

/** Seams for tests. */
export interface WatchFileOptions {
  /** The system's way, told as it is. */
  readonly watch?: typeof watch;
  /** The system gives no word; the file is looked at every few seconds from now on. Called once at most. */
  readonly looksInstead?: (why: unknown) => void;
}

/**
 * Calls `changed` some 300 ms after the last of several changes to `file`, its coming and going included; now and then
 * without a change. Costs nothing while nothing happens, and does not keep the process alive. Never throws.
 *
 * The file itself is watched, not its folder: beside it lies the queue, which is written to with every message. A file
 * that is replaced is watched anew before `changed` is called, so that nothing falls in between; while there is none, the
 * folder is watched for it.
 */
export function watchForChanges(file: string, changed: () => void, options: WatchFileOptions = {}): WatchedFile {
  const watchPath = options.watch ?? watch;
  const name = path.basename(file);
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | null = null;
  let looking = false;
  let closed = false;

  const soon = (): void => {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      listen();
      changed();
    }, SETTLE_MS).unref();
  };

  const look = (why: unknown): void => {
    watcher?.close();
    watcher = null;
    if (closed || looking) return;
    looking = true;
    watchFile(file, { persistent: false, interval: LOOK_EVERY_MS }, soon);
    options.looksInstead?.(why);
    // What happened since the system's last word.
    soon();
  };

  const on = (target: string, about: (changed: string | null) => boolean): void => {
    watcher = watchPath(target, { persistent: false }, (_event, changedName) => {
      if (about(changedName)) soon();
    });
    watcher.on('error', look);
  };

  const listen = (): void => {
    if (looking) return;
    watcher?.close();
    watcher = null;
    try {
      on(file, () => true);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        look(error);
        return;
      }
    }
    try {
      on(path.dirname(file), (changedName) => changedName === null || changedName === name);
      if (existsSync(file)) soon();
    } catch (error) {
      look(error);
    }
  };

  listen();
  return {
    close: () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      watcher?.close();
      if (looking) unwatchFile(file, soon);
    },
  };
}
