/** Dials and hangs up as policy/dialup-rules says (spec §7), and says what it did and why. */
import { phrase } from '../../../shared/phrases.ts';
import type { Phrase } from '../../../shared/mail.ts';
import type { DialUpState } from '../../../shared/status.ts';
import { createEmitter } from '../../runtime/emitter.ts';
import { logRejection } from '../../runtime/log-rejection.ts';
import { activeDialUp, nextDialUpAction } from '../../policy/dialup-rules.ts';
import type { Log } from '../../log/log-port.ts';
import type { DialUp, NetworkMonitor } from '../network-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SettingsStore } from '../../settings/settings-store.ts';

/** Longest time that dialling may take before it counts as failed. */
const DIAL_MS = 120_000;
/** With dialling or hanging up switched on, the rules are looked at this often besides every event. */
const LOOK_EVERY_MS = 15_000;
/** Mail comes in bursts: the rules are looked at once for them. */
const LOOK_SOON_MS = 1_000;

export interface DialUpDriver {
  state(): DialUpState;
  start(): void;
  networkChanged(): void;
  /** Mail came in, or the last one in flight went. */
  queueChanged(): void;
  settingsChanged(): void;
  onChange(listener: () => void): () => void;
  close(): void;
}

export interface DialUpDriverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dialUp: DialUp;
  readonly settings: SettingsStore;
  readonly network: NetworkMonitor;
  /** What the queue has to say: how much waits, how much is in flight, when the next is due. */
  readonly queue: () => Promise<{ readonly waiting: number; readonly nextDueAt: number | null }>;
  readonly sending: () => number;
  readonly paused: () => boolean;
}

export function createDialUpDriver(deps: DialUpDriverDeps): DialUpDriver {
  const { clock, log, settings, network } = deps;
  const events = createEmitter<{ readonly changed: undefined }>((error) => {
    log.problem('dial-up', error);
  });
  let lastAction: Phrase | null = null;
  let lastDialAt: number | null = null;
  let dialled: string | null = null;
  /** The link that we dialled was seen up: the system can say so a moment later than the call is through. */
  let dialledSeen = false;
  let busy = false;
  let closed = false;
  let cancelLook: (() => void) | null = null;
  let cancelSoon: (() => void) | null = null;
  let lookAgain = false;
  const abort = new AbortController();

  const active = (): readonly string[] => activeDialUp(network.current().links, settings.get().dialUp);
  const say = (phrase: Phrase): void => {
    lastAction = phrase;
    log.note(phrase.id, phrase.params ?? {});
    events.emit('changed');
  };

  const act = async (): Promise<void> => {
    const { dialUp } = settings.get();
    if (closed || (!dialUp.dial && !dialUp.hangUp)) return;
    if (busy) {
      lookAgain = true;
      return;
    }
    busy = true;
    try {
      const [{ waiting, nextDueAt }, configured] = await Promise.all([deps.queue(), deps.dialUp.configured()]);
      const up = active();
      if (dialled !== null && up.includes(dialled)) dialledSeen = true;
      else if (dialledSeen) dialled = null;
      const action = nextDialUpAction({
        settings: dialUp,
        now: clock.now(),
        online: network.current().online,
        paused: deps.paused(),
        active: up,
        configured,
        waiting,
        sending: deps.sending(),
        nextDueAt,
        lastDialAt,
        dialled,
        busy: false,
      });
      switch (action.kind) {
        case 'none':
        case 'wait':
          return;
        case 'dial': {
          lastDialAt = clock.now();
          say(phrase('dialUp.dialling', { name: action.name, count: waiting }));
          const done = await deps.dialUp.dial(
            action.name,
            AbortSignal.any([abort.signal, AbortSignal.timeout(DIAL_MS)]),
          );
          if (done.ok) {
            dialled = action.name;
            dialledSeen = false;
          }
          say(phrase(done.ok ? 'dialUp.dialled' : 'dialUp.failed', { name: action.name, detail: done.detail }));
          return;
        }
        case 'hang-up': {
          const done = await deps.dialUp.hangUp(
            action.name,
            AbortSignal.any([abort.signal, AbortSignal.timeout(DIAL_MS)]),
          );
          if (done.ok) dialled = null;
          say(phrase(done.ok ? 'dialUp.hungUp' : 'dialUp.hangUpFailed', { name: action.name, detail: done.detail }));
          return;
        }
      }
    } finally {
      busy = false;
      if (lookAgain) {
        lookAgain = false;
        soon();
      }
    }
  };

  const look = (): void => {
    logRejection(act(), log, 'dial-up');
  };
  function soon(): void {
    const { dial, hangUp } = settings.get().dialUp;
    if (closed || (!dial && !hangUp)) return;
    cancelSoon ??= clock.after(LOOK_SOON_MS, () => {
      cancelSoon = null;
      look();
    });
  }
  /** A timer only while the rules can have something to do: the idle program stays asleep. */
  const arm = (): void => {
    cancelLook?.();
    cancelLook = null;
    const { dial, hangUp } = settings.get().dialUp;
    if (closed || (!dial && !hangUp)) return;
    cancelLook = clock.after(LOOK_EVERY_MS, () => {
      look();
      arm();
    });
  };

  return {
    state() {
      const { requireConnection } = settings.get().dialUp;
      const up = active();
      return { required: requireConnection, active: up, holding: requireConnection && up.length === 0, lastAction };
    },
    start() {
      look();
      arm();
    },
    networkChanged() {
      events.emit('changed');
      look();
    },
    queueChanged: soon,
    settingsChanged() {
      arm();
      events.emit('changed');
      look();
    },
    onChange: (listener) => events.on('changed', listener),
    close() {
      closed = true;
      cancelLook?.();
      cancelSoon?.();
      abort.abort();
    },
  };
}
