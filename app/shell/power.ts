/** Sleep, wake and the end of the session. */
import { powerMonitor } from 'electron';

/** Options of watchPower. Events can come twice: all three must bear that. */
export interface PowerOptions {
  readonly suspended: () => void;
  readonly resumed: () => void;
  /** The session ends: quit without asking. */
  readonly ending: () => void;
}

/** Call after ready. */
export function watchPower(options: PowerOptions): void {
  powerMonitor.on('suspend', options.suspended);
  powerMonitor.on('resume', options.resumed);
  // Held back until the queue is closed; the system has a time limit of its own.
  powerMonitor.on('shutdown', (event?: { preventDefault?: () => void }) => {
    event?.preventDefault?.();
    options.ending();
  });
}
