/**
 * The engine's first thread. To be imported before everything else: it loads its code while Electron starts, which takes the
 * main thread a tenth of a second, and waits to be told its profile.
 */
import { Worker } from 'node:worker_threads';

/** A file of the build, beside this one. */
export function built(file: string): URL {
  return new URL(file, import.meta.url);
}

/** A thread with nothing to do yet. */
export function newEngineThread(): Worker {
  return new Worker(built('engine.js'), { name: 'engine' });
}

export const firstEngineThread = newEngineThread();
