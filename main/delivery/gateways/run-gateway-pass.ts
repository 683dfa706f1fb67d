/**
 * A gateway pass (spec §3.2, §3.3): staggered start, the first that is ready takes the message, what it does not take goes
 * on. Who goes on and what it all means is decided in main/policy/gateway-pass.ts; here are the connections.
 */
import type { GatewaySettings, Settings } from '../../../shared/settings.ts';
import { sessionEstablished } from '../../policy/classify.ts';
import { afterGateway, finishPass, startPass, remainingRecipients } from '../../policy/gateway-pass.ts';
import { mayBeDelivered } from '../../policy/unknown-outcome.ts';
import type { Log } from '../../log/log-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import { GATEWAY_CONNECTIONS } from '../connection-pool.ts';
import type { ConnectionPool } from '../connection-pool.ts';
import { gatewayFingerprint } from './gateway-states.ts';
import type { GatewayStates } from './gateway-states.ts';
import { gatewayHop } from './open-gateway.ts';
import type { SessionFailure, SmtpSession } from '../../smtp/open-session.ts';
import { outcomeOfFailure, reportOfFailure, sendOver } from '../transactions.ts';
import type { HopOutcome, HopAttemptDraft } from '../transactions.ts';
import type { OutgoingRecipient, StepResult, MessageInDelivery } from '../delivery-port.ts';

export interface GatewayPassDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => Settings;
  readonly pool: ConnectionPool;
  readonly book: GatewayStates;
  readonly open: (
    gateway: GatewaySettings,
    signal: AbortSignal,
    onGreeting: () => void,
  ) => Promise<SmtpSession | SessionFailure>;
  readonly hopWorks: (key: string) => void;
}

export type RunGatewayPass = (
  /** `doubtful`: those of the ids that are used only once every other one failed to take the message. */
  { ids, doubtful }: { readonly ids: readonly string[]; readonly doubtful?: readonly string[] },
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  signal: AbortSignal,
) => Promise<StepResult>;

interface Won {
  readonly gateway: GatewaySettings;
  readonly session: SmtpSession;
}

export function createGatewayPass(deps: GatewayPassDeps): RunGatewayPass {
  const { clock, pool, book } = deps;
  /** Gateways that a late answer is still awaited from: one connection each is enough. */
  const awaited = new Set<string>();

  const acquire = (
    gateway: GatewaySettings,
    signal: AbortSignal,
    watch: { readonly started: () => void; readonly greeted: () => void },
  ) =>
    pool.acquire(
      {
        key: `gateway:${gateway.id}\n${gatewayFingerprint(gateway)}`,
        limit: GATEWAY_CONNECTIONS,
        open: (openSignal, onGreeting) => deps.open(gateway, openSignal, onGreeting),
      },
      signal,
      watch,
    );

  /**
   * Opens sessions in order, each next one when the one in front failed or let its head start pass in silence. The first
   * that is ready wins; null = none did. Rejects only when `signal` aborts.
   */
  const race = (
    order: readonly GatewaySettings[],
    signal: AbortSignal,
    failed: (gateway: GatewaySettings, failure: SessionFailure) => void,
  ): Promise<Won | null> =>
    new Promise((resolve, reject) => {
      const running = new Map<
        string,
        {
          readonly gateway: GatewaySettings;
          readonly abort: AbortController;
          /** Of the moment that it was started: what a probe learns meanwhile does not change it. */
          readonly headStart: number;
          started: boolean;
          silentSince: number;
        }
      >();
      let next = 0;
      let over = false;
      let cancelTimer = (): void => undefined;

      const finish = (won: Won | null): void => {
        over = true;
        cancelTimer();
        signal.removeEventListener('abort', onAbort);
        const now = clock.monotonic();
        for (const [id, other] of running) {
          // Late, but perhaps alive: let one connection come to its end, and be kept if it does.
          if (other.started && won && now - other.silentSince >= other.headStart) book.slow(other.gateway);
          if (!other.started || awaited.has(id) || !won) other.abort.abort(new Error('another gateway took it'));
          else awaited.add(id);
        }
        resolve(won);
      };
      const onAbort = (): void => {
        over = true;
        cancelTimer();
        for (const other of running.values()) other.abort.abort(signal.reason);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const arm = (headStart: number): void => {
        cancelTimer();
        if (next < order.length) cancelTimer = clock.after(headStart, startNext);
      };
      const startNext = (): void => {
        const gateway = order[next++];
        if (!gateway || over) return;
        const abort = new AbortController();
        const headStart = book.headStart(gateway);
        const entry = { gateway, abort, headStart, started: false, silentSince: clock.monotonic() };
        running.set(gateway.id, entry);
        const front = next;
        acquire(gateway, abort.signal, {
          started: () => {
            entry.started = true;
            entry.silentSince = clock.monotonic();
            if (!over && front === next) arm(headStart);
          },
          greeted: () => {
            entry.silentSince = clock.monotonic();
            if (!over && front === next) arm(headStart);
          },
        }).then(
          (opened) => {
            running.delete(gateway.id);
            if (over) {
              awaited.delete(gateway.id);
              late(gateway, opened);
            } else if (opened.kind === 'ready') finish({ gateway, session: opened });
            else {
              failed(gateway, opened);
              if (next < order.length) startNext();
              else if (running.size === 0) finish(null);
            }
          },
          () => {
            running.delete(gateway.id);
            awaited.delete(gateway.id);
          },
        );
      };

      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      if (order.length === 0) finish(null);
      else startNext();
    });

  const late = (gateway: GatewaySettings, opened: SmtpSession | SessionFailure): void => {
    if (opened.kind === 'ready') {
      book.worked(gateway, opened.tls, opened.readyMs, true);
      pool.release(opened);
    } else if (opened.trouble?.kind !== 'connection-lost') book.failed(gateway, reportOfFailure(opened, []));
  };

  return async ({ ids, doubtful = [] }, message, recipients, signal) => {
    const list = deps.settings().gateways.list;
    const known = ids.filter((id) => list.some((g) => g.id === id));
    const gatewayOf = (id: string): GatewaySettings | undefined => list.find((g) => g.id === id);
    const { use, skipped } = book.sort(known.filter((id) => !doubtful.includes(id)));
    const last = book.sort(known.filter((id) => doubtful.includes(id)));
    const tries: HopAttemptDraft[] = [...skipped, ...last.skipped].flatMap((id) => {
      const gateway = gatewayOf(id);
      const now = clock.now();
      return gateway
        ? [
            {
              hop: gatewayHop(gateway),
              startedAt: now,
              endedAt: now,
              phase: 'connect' as const,
              tls: null,
              skipped: true,
              outcomes: [],
            },
          ]
        : [];
    });
    const dsnPassedOn = new Set<number>();
    let pass = startPass(
      known,
      recipients.map((r) => r.id),
    );
    const seen = { reached: false, delivered: false };

    const through = async (order: readonly string[]): Promise<void> => {
      let left = order;
      for (;;) {
        const going = new Set(remainingRecipients(pass));
        const open = recipients.filter((r) => going.has(r.id));
        if (open.length === 0 || left.length === 0) return;
        const done = new Set<string>();
        const note = (gateway: GatewaySettings, outcome: HopOutcome): void => {
          done.add(gateway.id);
          tries.push(...outcome.tries);
          const reached = outcome.reports.some((report) => sessionEstablished(report));
          seen.reached ||= reached;
          pass = afterGateway(pass, gateway.id, outcome.verdicts, reached);
        };
        const won = await race(
          left.flatMap((id) => gatewayOf(id) ?? []),
          signal,
          (gateway, failure) => {
            note(gateway, outcomeOfFailure(failure, open));
            book.failed(gateway, reportOfFailure(failure, open));
          },
        );
        if (!won) return;
        if (won.session.used === 0) book.worked(won.gateway, won.session.tls, won.session.readyMs, true);
        const again = (): Promise<SmtpSession | SessionFailure> =>
          acquire(won.gateway, signal, { started: () => undefined, greeted: () => undefined });
        const outcome = await sendOver(won.session, again, message, open, tries, signal);
        pool.release(outcome.session);
        note(won.gateway, outcome);
        book.heard(won.gateway, outcome.reports, won.session);
        for (const id of outcome.dsnPassedOn) dsnPassedOn.add(id);
        if ([...outcome.verdicts.values()].some((v) => v.kind === 'delivered')) {
          seen.delivered = true;
          deps.hopWorks(`gateway:${won.gateway.id}`);
        }
        left = left.filter((id) => !done.has(id));
      }
    };

    const keepsResult = (): boolean =>
      seen.delivered || [...finishPass(pass).values()].some((r) => mayBeDelivered(r.verdict));
    try {
      await through(use);
      // Passed over while another is usable (spec §3.3): none was. A doubtful one is no better one.
      if (!seen.reached || doubtful.length > 0) await through(skipped);
      // Only now, however long the others took to fail: an answer that comes sooner must not make a second copy.
      await through(last.use);
      if (!seen.reached) await through(last.skipped);
    } catch (error) {
      // Aborted. What was said so far counts if a recipient was taken, or may have been; else nothing was sent.
      if (!signal.aborted || !keepsResult()) throw error;
    }
    if (signal.aborted && !keepsResult()) throw signal.reason instanceof Error ? signal.reason : new Error('aborted');

    const results = finishPass(pass);
    const waitsFor = new Map<number, string>();
    for (const [id, { verdict, gatewayId }] of results) {
      if (
        verdict.kind === 'deferred' &&
        gatewayId !== null &&
        (verdict.scope === 'host' || verdict.scope === 'gateway')
      )
        waitsFor.set(id, `gateway:${gatewayId}`);
    }
    return {
      tries: tries.sort((a, b) => a.startedAt - b.startedAt),
      verdicts: new Map([...results].map(([id, r]) => [id, r.verdict])),
      errorKinds: new Map(),
      waitsFor,
      nothingReached: [...results.values()].every((r) => r.nothingReached),
      dsnPassedOn,
    };
  };
}
