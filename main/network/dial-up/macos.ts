/** macOS: PPP and VPN services by `scutil --nc`. Not yet run there: docs/platforms.md. */
import { setTimeout as pause } from 'node:timers/promises';
import { parseConnections } from '../macos/command-text.ts';
import { outputOf, type RunCommand } from '../run-command.ts';
import { DIAL_MS, dialResult, HANG_UP_MS, type Dialler, type DialResult } from './dialler.ts';

const SCUTIL = '/usr/sbin/scutil';

export function createMacDialler(run: RunCommand, lookEveryMs = 1_000): Dialler {
  const list = async () => parseConnections(await outputOf(run, SCUTIL, ['--nc', 'list']));

  /** scutil returns at once: the state is asked for until it is what was wanted. */
  async function until(
    name: string,
    wanted: 'Connected' | 'Disconnected',
    ms: number,
    signal: AbortSignal,
  ): Promise<DialResult> {
    const looks = Math.ceil(ms / lookEveryMs);
    let state = '';
    for (let look = 0; look < looks && !signal.aborted; look += 1) {
      state = (await outputOf(run, SCUTIL, ['--nc', 'status', name])).split('\n')[0]?.trim() ?? '';
      if (state === wanted) return { ok: true, detail: state };
      // "Disconnected" right after the start is the state before it.
      if (wanted === 'Connected' && state === 'Disconnected' && look > 2) break;
      await pause(lookEveryMs, undefined, { signal }).catch(() => undefined);
    }
    return { ok: false, detail: signal.aborted ? 'given up' : state === '' ? 'scutil gave no answer' : state };
  }

  return {
    configured: async () => [...new Set((await list()).map(({ name }) => name))].sort(),
    async dial(name, signal) {
      const started = dialResult('scutil', await run(SCUTIL, ['--nc', 'start', name], HANG_UP_MS, signal));
      return started.ok ? until(name, 'Connected', DIAL_MS, signal) : started;
    },
    async hangUp(name, signal) {
      const stopped = dialResult('scutil', await run(SCUTIL, ['--nc', 'stop', name], HANG_UP_MS, signal));
      return stopped.ok ? until(name, 'Disconnected', HANG_UP_MS, signal) : stopped;
    },
  };
}
