/**
 * Staggered start over gateways (spec §3.3): sessions are opened in order, each next one when the one in front failed or
 * was silent for its head start; the first that is ready is used.
 */
import type { GatewaySettings } from '../../../shared/settings.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SessionFailure } from '../../smtp/open-session.ts';
import type { SmtpSession } from '../../smtp/session.ts';
import { reportOfFailure } from '../transactions.ts';
import type { SessionWatch } from '../connection-pool.ts';
import type { GatewayStates } from './gateway-states.ts';

export interface StaggeredStartDeps {
  readonly clock: Clock;
  readonly states: Pick<GatewayStates, 'headStart' | 'slow' | 'worked' | 'failed'>;
  readonly acquire: (
    gateway: GatewaySettings,
    signal: AbortSignal,
    watch: SessionWatch,
  ) => Promise<SmtpSession | SessionFailure>;
  readonly release: (session: SmtpSession) => void;
}

/** The gateway that was ready first. */
export interface ReadyGateway {
  readonly gateway: GatewaySettings;
  readonly session: SmtpSession;
}

/**
 * Opens a session to one of the gateways; null: none could be reached. Rejects only when `signal` aborts.
 * @param order best first
 * @param failed told of each gateway that failed before one was ready
 */
export type OpenFirstReady = (
  order: readonly GatewaySettings[],
  signal: AbortSignal,
  failed: (gateway: GatewaySettings, failure: SessionFailure) => void,
) => Promise<ReadyGateway | null>;

/** A gateway that a session is being opened to. */
interface Contender {
  readonly gateway: GatewaySettings;
  readonly abort: AbortController;
  /** Ms. Of the moment that it was started: what a probe learns meanwhile does not change it. */
  readonly headStart: number;
  /** It is being connected to, not only queued for a connection. */
  started: boolean;
  /** Monotonic ms of the last sign of life, or of its start. */
  silentSince: number;
}

/** One staggered start. */
interface Start {
  readonly order: readonly GatewaySettings[];
  readonly running: Map<string, Contender>;
  /** Index of the next gateway to start. */
  next: number;
  over: boolean;
  cancelTimer: () => void;
  readonly failed: (gateway: GatewaySettings, failure: SessionFailure) => void;
  readonly finish: (ready: ReadyGateway | null) => void;
}

export function createStaggeredStart(deps: StaggeredStartDeps): OpenFirstReady {
  /** Gateways that a late answer is still expected from: one connection each is enough. */
  const lateOnes = new Set<string>();

  return (order, signal, failed) =>
    new Promise((resolve, reject) => {
      const start: Start = {
        order,
        running: new Map(),
        next: 0,
        over: false,
        cancelTimer: () => undefined,
        failed,
        finish: (ready) => {
          stop();
          endOthers(deps, start, ready !== null, lateOnes);
          resolve(ready);
        },
      };
      const stop = (): void => {
        start.over = true;
        start.cancelTimer();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        stop();
        for (const other of start.running.values()) other.abort.abort(signal.reason);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      if (order.length === 0) start.finish(null);
      else startNext(deps, start, lateOnes);
    });
}

function startNext(deps: StaggeredStartDeps, start: Start, lateOnes: Set<string>): void {
  const gateway = start.order[start.next++];
  if (!gateway || start.over) return;
  const contender: Contender = {
    gateway,
    abort: new AbortController(),
    headStart: deps.states.headStart(gateway),
    started: false,
    silentSince: deps.clock.monotonic(),
  };
  start.running.set(gateway.id, contender);
  const position = start.next;
  /** Only silence of the one in front starts the next one. */
  const signOfLife = (): void => {
    contender.silentSince = deps.clock.monotonic();
    if (start.over || position !== start.next) return;
    start.cancelTimer();
    if (start.next < start.order.length)
      start.cancelTimer = deps.clock.after(contender.headStart, () => {
        startNext(deps, start, lateOnes);
      });
  };
  const watch: SessionWatch = {
    started: () => {
      contender.started = true;
      signOfLife();
    },
    greeted: signOfLife,
  };
  deps.acquire(gateway, contender.abort.signal, watch).then(
    (opened) => {
      start.running.delete(gateway.id);
      if (start.over) {
        lateOnes.delete(gateway.id);
        noteLateAnswer(deps, gateway, opened);
      } else if (opened.kind === 'ready') start.finish({ gateway, session: opened });
      else {
        start.failed(gateway, opened);
        if (start.next < start.order.length) startNext(deps, start, lateOnes);
        else if (start.running.size === 0) start.finish(null);
      }
    },
    () => {
      start.running.delete(gateway.id);
      lateOnes.delete(gateway.id);
    },
  );
}

/**
 * Another gateway is ready. One that is late may work all the same: a single connection to it is let come to its end, and
 * is kept if it succeeds.
 */
function endOthers(
  { clock, states }: StaggeredStartDeps,
  { running }: Start,
  isReady: boolean,
  lateOnes: Set<string>,
): void {
  const now = clock.monotonic();
  for (const [id, other] of running) {
    if (other.started && isReady && now - other.silentSince >= other.headStart) states.slow(other.gateway);
    if (!other.started || lateOnes.has(id) || !isReady) other.abort.abort(new Error('another gateway took it'));
    else lateOnes.add(id);
  }
}

function noteLateAnswer(
  { states, release }: StaggeredStartDeps,
  gateway: GatewaySettings,
  opened: SmtpSession | SessionFailure,
): void {
  if (opened.kind === 'ready') {
    states.worked(gateway, opened.tls, opened.readyMs, true);
    release(opened);
  } else if (opened.trouble?.kind !== 'connection-lost') states.failed(gateway, reportOfFailure(opened, []));
}
