/** Calls about the program as a whole: its state, pause and resume, send now, the drop folder, the end. */
import { ok } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { HandlersOf } from './handlers.ts';

export interface ControlDeps {
  readonly scheduler: Pick<Scheduler, 'sendNow' | 'pause' | 'resume'>;
  readonly problems: { readonly dismiss: (id: string) => void };
  /** The newest one. */
  readonly status: () => Promise<AppStatus>;
  /** Looks into the drop folder; resolves to the number of messages that were taken. */
  readonly pickup: () => Promise<number>;
  readonly quit: () => void;
}

export function controlHandlers(deps: ControlDeps): HandlersOf<'status' | 'control' | 'app'> {
  const { scheduler, problems } = deps;
  return {
    'status.get': async () => ok(await deps.status()),
    'control.sendNow': async () => ok(await scheduler.sendNow()),
    'control.pause': async () => {
      await scheduler.pause();
      return ok({ paused: true });
    },
    'control.resume': async () => {
      await scheduler.resume();
      return ok({ paused: false });
    },
    'control.dismissProblem': async ({ id }) => {
      problems.dismiss(id);
      return ok({});
    },
    'control.pickup': async () => ok({ count: await deps.pickup() }),
    'app.quit': async () => {
      deps.quit();
      return ok({});
    },
  };
}
