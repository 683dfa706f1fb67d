/** What a platform must offer so that connections can be dialled, and the port over it (spec §7). */
import type { Log } from '../../log/log-port.ts';
import type { DialUp } from '../network-port.ts';
import type { CommandResult } from '../run-command.ts';

/** What came of it; `detail` is the system's own word, one line. */
export interface DialResult {
  readonly ok: boolean;
  readonly detail: string;
}

/** One platform's means. The name given to `dial` and `hangUp` is one of those that `configured` returned. */
export interface Dialler {
  configured(): Promise<readonly string[]>;
  dial(name: string, signal: AbortSignal): Promise<DialResult>;
  hangUp(name: string, signal: AbortSignal): Promise<DialResult>;
}

/** A modem may need this long. */
export const DIAL_MS = 90_000;
export const HANG_UP_MS = 20_000;

/** The port over a given dialler. */
export function dialUpWith(dialler: Dialler, log: Pick<Log, 'note'>): DialUp {
  async function act(what: 'dial' | 'hang up', name: string, signal: AbortSignal): Promise<DialResult> {
    const known = (await dialler.configured()).includes(name);
    const result = known
      ? await (what === 'dial' ? dialler.dial(name, signal) : dialler.hangUp(name, signal))
      : { ok: false, detail: 'the system has no connection of this name' };
    log.note(what, { connection: name, ok: result.ok, detail: result.detail });
    return result;
  }
  return {
    configured: () => dialler.configured(),
    dial: (name, signal) => act('dial', name, signal),
    hangUp: (name, signal) => act('hang up', name, signal),
  };
}

/** A command's end as a result. */
export function dialResult(command: string, result: CommandResult): DialResult {
  switch (result.kind) {
    case 'missing':
      return { ok: false, detail: `${command} is not installed` };
    case 'timed-out':
      return { ok: false, detail: `${command} did not answer in time` };
    case 'aborted':
      return { ok: false, detail: 'given up' };
    case 'ended': {
      const said = `${result.stderr}\n${result.stdout}`
        .split('\n')
        .map((line) => line.trim())
        .find((line) => line !== '');
      return { ok: result.code === 0, detail: (said ?? `${command} ended with ${result.code}`).slice(0, 300) };
    }
  }
}
