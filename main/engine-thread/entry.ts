/** Entry of the engine's thread: a worker of Electron's main thread that is plain Node. */
import { parentPort } from 'node:worker_threads';
import { serveEngine } from './serve-engine.ts';

if (parentPort !== null) serveEngine(parentPort);
