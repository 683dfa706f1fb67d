/** Dials and hangs up as policy/dialup-rules decides (spec §7), and keeps in words what was done last. */
import { phrase } from '../../../shared/phrases.ts';
import type { Phrase } from '../../../shared/mail.ts';
import { assertNever } from '../../../shared/result.ts';
import type { DialUpState } from '../../../shared/status.ts';
import { createEmitter, type Emitter } from '../../runtime/emitter.ts';
import { logRejection } from '../../runtime/log-rejection.ts';
import { activeDialUp, nextDialUpAction, type DialUpAction } from '../../policy/dialup-rules.ts';
import type { Log } from '../../log/log-port.ts';
import type { DialUp, NetworkMonitor } from '../network-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SettingsStore } from '../../settings/settings-store.ts';

/** Longest time that dialling may take before it counts as failed. */
const DIAL_MS = 120_000;
/** With dialling or hanging up switched on, the rules are applied this often besides at every event. */
const APPLY_EVERY_MS = 15_000;
/** Mail comes in bursts: the rules are applied once for one. */
const APPLY_SOON_MS = 1_000;

export interface DialUpDriver {
  state(): DialUpState;
  start(): void;
  networkChanged(): void;
  /** Mail came in, or the last one in flight went. */
  queueChanged(): void;
  settingsChanged(): void;
  /** Calls back when `state()` may have changed. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  close(): void;
}

export interface DialUpDriverDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly dialUp: DialUp;
  readonly settings: SettingsStore;
  readonly network: NetworkMonitor;
  /** Recipients that wait, and when the next one is due. */
  readonly queue: () => Promise<{ readonly waiting: number; readonly nextDueAt: number | null }>;
  readonly sending: () => number;
  readonly paused: () => boolean;
}

interface DriverState {
  readonly deps: DialUpDriverDeps;
  readonly events: Emitter<{ readonly changed: undefined }>;
  readonly abort: AbortController;
  /** Shown in the settings window. */
  lastAction: Phrase | null;
  lastDialAt: number | null;
  /** The connection that was dialled by this program. */
  dialled: string | null;
  /** Its link was seen up: the system can report that a moment later than the call is through. */
  dialledSeen: boolean;
  busy: boolean;
  /** Something changed while it was busy. */
  again: boolean;
  closed: boolean;
  cancelRegular: (() => void) | null;
  cancelSoon: (() => void) | null;
}

export function createDialUpDriver(deps: DialUpDriverDeps): DialUpDriver {
  const driver: DriverState = {
    deps,
    events: createEmitter((error) => {
      deps.log.problem('dial-up', error);
    }),
    abort: new AbortController(),
    lastAction: null,
    lastDialAt: null,
    dialled: null,
    dialledSeen: false,
    busy: false,
    again: false,
    closed: false,
    cancelRegular: null,
    cancelSoon: null,
  };
  return {
    state() {
      const { requireConnection } = deps.settings.get().dialUp;
      const active = activeOf(driver);
      const holding = requireConnection && active.length === 0;
      return { required: requireConnection, active, holding, lastAction: driver.lastAction };
    },
    start() {
      applyNow(driver);
      scheduleRegular(driver);
    },
    networkChanged() {
      announce(driver);
      applyNow(driver);
    },
    queueChanged: () => {
      applySoon(driver);
    },
    settingsChanged() {
      scheduleRegular(driver);
      announce(driver);
      applyNow(driver);
    },
    onChange: (listener) => driver.events.on('changed', listener),
    close() {
      driver.closed = true;
      driver.cancelRegular?.();
      driver.cancelSoon?.();
      driver.abort.abort();
    },
  };
}

function activeOf({ deps: { network, settings } }: DriverState): readonly string[] {
  return activeDialUp(network.current().links, settings.get().dialUp);
}

function isInUse({ deps, closed }: DriverState): boolean {
  const { dial, hangUp } = deps.settings.get().dialUp;
  return !closed && (dial || hangUp);
}

function announce({ events }: DriverState): void {
  events.emit('changed');
}

function applyNow(driver: DriverState): void {
  const { log } = driver.deps;
  logRejection(apply(driver), log, 'dial-up');
}

function applySoon(driver: DriverState): void {
  if (!isInUse(driver)) return;
  driver.cancelSoon ??= driver.deps.clock.after(APPLY_SOON_MS, () => {
    driver.cancelSoon = null;
    applyNow(driver);
  });
}

/** A timer only while the rules can have something to do: an idle program is not woken. */
function scheduleRegular(driver: DriverState): void {
  driver.cancelRegular?.();
  driver.cancelRegular = null;
  if (!isInUse(driver)) return;
  driver.cancelRegular = driver.deps.clock.after(APPLY_EVERY_MS, () => {
    applyNow(driver);
    scheduleRegular(driver);
  });
}

/** Applies the rules, one application after the other. */
async function apply(driver: DriverState): Promise<void> {
  if (!isInUse(driver)) return;
  if (driver.busy) {
    driver.again = true;
    return;
  }
  driver.busy = true;
  try {
    await act(driver, await decide(driver));
  } finally {
    driver.busy = false;
    if (driver.again) {
      driver.again = false;
      applySoon(driver);
    }
  }
}

interface Decision {
  readonly action: DialUpAction;
  readonly waiting: number;
}

async function decide(driver: DriverState): Promise<Decision> {
  const { deps } = driver;
  const [{ waiting, nextDueAt }, configured] = await Promise.all([deps.queue(), deps.dialUp.configured()]);
  const active = activeOf(driver);
  if (driver.dialled !== null && active.includes(driver.dialled)) driver.dialledSeen = true;
  else if (driver.dialledSeen) driver.dialled = null;
  const action = nextDialUpAction({
    settings: deps.settings.get().dialUp,
    now: deps.clock.now(),
    online: deps.network.current().online,
    paused: deps.paused(),
    active,
    configured,
    waiting,
    sending: deps.sending(),
    nextDueAt,
    lastDialAt: driver.lastDialAt,
    dialled: driver.dialled,
    busy: false,
  });
  return { action, waiting };
}

async function act(driver: DriverState, { action, waiting }: Decision): Promise<void> {
  const { dialUp, clock } = driver.deps;
  const signal = (): AbortSignal => AbortSignal.any([driver.abort.signal, AbortSignal.timeout(DIAL_MS)]);
  switch (action.kind) {
    case 'none':
    case 'wait':
      return;
    case 'dial': {
      driver.lastDialAt = clock.now();
      noteAction(driver, phrase('dialUp.dialling', { name: action.name, count: waiting }));
      const { ok, detail } = await dialUp.dial(action.name, signal());
      if (ok) {
        driver.dialled = action.name;
        driver.dialledSeen = false;
      }
      noteAction(driver, phrase(ok ? 'dialUp.dialled' : 'dialUp.failed', { name: action.name, detail }));
      return;
    }
    case 'hang-up': {
      const { ok, detail } = await dialUp.hangUp(action.name, signal());
      if (ok) driver.dialled = null;
      noteAction(driver, phrase(ok ? 'dialUp.hungUp' : 'dialUp.hangUpFailed', { name: action.name, detail }));
      return;
    }
    default:
      return assertNever(action);
  }
}

function noteAction(driver: DriverState, action: Phrase): void {
  driver.lastAction = action;
  driver.deps.log.note(action.id, action.params ?? {});
  announce(driver);
}
