/** Things that want the user's eye, kept until they are over or dismissed. */
import type { Phrase } from '../../shared/mail.ts';
import type { Problem } from '../../shared/status.ts';
import type { Clock } from '../runtime/clock.ts';
import { createEmitter } from '../runtime/emitter.ts';
import type { ProblemLog } from '../runtime/log-rejection.ts';

export interface Problems {
  /** Raises (or renews the words of) a problem. `since` stays that of the first time. */
  raise(id: string, severity: Problem['severity'], phrase: Phrase, action?: Phrase): void;
  /** It is over. */
  clear(id: string): void;
  /** The user has seen it; one that wants a decision stays. */
  dismiss(id: string): void;
  list(): readonly Problem[];
  onChange(listener: () => void): () => void;
}

export function createProblems(clock: Pick<Clock, 'now'>, log: ProblemLog): Problems {
  const open = new Map<string, Problem>();
  const events = createEmitter<{ readonly changed: undefined }>((error) => {
    log.problem('problems', error);
  });
  return {
    raise(id, severity, phrase, action) {
      const known = open.get(id);
      const next: Problem = { id, severity, phrase, since: known?.since ?? clock.now(), ...(action ? { action } : {}) };
      if (JSON.stringify(known) === JSON.stringify(next)) return;
      open.set(id, next);
      events.emit('changed');
    },
    clear(id) {
      if (open.delete(id)) events.emit('changed');
    },
    dismiss(id) {
      if (open.get(id)?.action === undefined && open.delete(id)) events.emit('changed');
    },
    list: () => [...open.values()],
    onChange: (listener) => events.on('changed', listener),
  };
}
