/**
 * A gateway pass (spec §3.2, §3.3): gateways in order, the first that is ready takes the message, and recipients that it
 * does not take go on to the next one. Which recipients go on, and what the pass comes to, is decided in
 * main/policy/gateway-pass.ts.
 */
import type { GatewaySettings, Settings } from '../../../shared/settings.ts';
import { sessionEstablished } from '../../policy/classify.ts';
import {
  afterGateway,
  finishPass,
  startPass,
  remainingRecipients,
  type GatewayPass,
} from '../../policy/gateway-pass.ts';
import { mayBeDelivered } from '../../policy/unknown-outcome.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SessionFailure } from '../../smtp/open-session.ts';
import type { SmtpSession } from '../../smtp/session.ts';
import { GATEWAY_CONNECTIONS, type ConnectionPool, type SessionWatch } from '../connection-pool.ts';
import type { OutgoingRecipient, StepResult, MessageInDelivery } from '../delivery-port.ts';
import { outcomeOfFailure, reportOfFailure, sendOver, type HopAttemptDraft, type HopOutcome } from '../transactions.ts';
import { gatewayFingerprint, type GatewayStates } from './gateway-states.ts';
import { gatewayHop } from './open-gateway.ts';
import { createStaggeredStart, type OpenFirstReady, type ReadyGateway } from './staggered-start.ts';

export interface GatewayPassDeps {
  readonly clock: Clock;
  readonly settings: () => Settings;
  readonly pool: ConnectionPool;
  readonly states: GatewayStates;
  readonly open: (
    gateway: GatewaySettings,
    signal: AbortSignal,
    onGreeting: () => void,
  ) => Promise<SmtpSession | SessionFailure>;
  /** Told when a gateway took mail: others wait for it. */
  readonly hopWorks: (key: string) => void;
}

/** Gateways of a step. `doubtful`: those of the ids that are used only once every other one failed to take the message. */
export interface GatewayStep {
  readonly ids: readonly string[];
  readonly doubtful?: readonly string[];
}

/** Runs one pass. Rejects only when `signal` aborts before a recipient was taken. */
export type RunGatewayPass = (
  step: GatewayStep,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  signal: AbortSignal,
) => Promise<StepResult>;

/** One pass of one message. */
interface PassRun {
  readonly message: MessageInDelivery;
  readonly recipients: readonly OutgoingRecipient[];
  readonly signal: AbortSignal;
  /** The gateways of the step by id, as the settings had them when the pass began. */
  readonly gateways: ReadonlyMap<string, GatewaySettings>;
  readonly tries: HopAttemptDraft[];
  readonly dsnPassedOn: Set<number>;
  pass: GatewayPass;
  /** A gateway was reached and signed in to. */
  reached: boolean;
  delivered: boolean;
}

interface PassPorts extends GatewayPassDeps {
  readonly acquire: (
    gateway: GatewaySettings,
    signal: AbortSignal,
    watch?: SessionWatch,
  ) => Promise<SmtpSession | SessionFailure>;
  readonly openFirstReady: OpenFirstReady;
}

export function createGatewayPass(deps: GatewayPassDeps): RunGatewayPass {
  const { clock, pool, states } = deps;
  const acquire: PassPorts['acquire'] = (gateway, signal, watch) =>
    pool.acquire(
      {
        key: `gateway:${gateway.id}\n${gatewayFingerprint(gateway)}`,
        limit: GATEWAY_CONNECTIONS,
        open: (openSignal, onGreeting) => deps.open(gateway, openSignal, onGreeting),
      },
      signal,
      watch,
    );
  const release = (session: SmtpSession): void => {
    pool.release(session);
  };
  const ports = { ...deps, acquire, openFirstReady: createStaggeredStart({ clock, states, acquire, release }) };
  return (step, message, recipients, signal) => runPass(ports, step, message, recipients, signal);
}

/** Order the gateways, send by the usable ones, then by skipped and doubtful ones if need be, and combine. */
async function runPass(
  ports: PassPorts,
  { ids, doubtful = [] }: GatewayStep,
  message: MessageInDelivery,
  recipients: readonly OutgoingRecipient[],
  signal: AbortSignal,
): Promise<StepResult> {
  const gateways = new Map(ports.settings().gateways.list.map((g) => [g.id, g]));
  const known = ids.filter((id) => gateways.has(id));
  const sure = ports.states.sort(known.filter((id) => !doubtful.includes(id)));
  const last = ports.states.sort(known.filter((id) => doubtful.includes(id)));
  const run: PassRun = {
    message,
    recipients,
    signal,
    gateways,
    tries: skippedRows([...sure.skipped, ...last.skipped], gateways, ports.clock.now()),
    dsnPassedOn: new Set(),
    pass: startPass(
      known,
      recipients.map((r) => r.id),
    ),
    reached: false,
    delivered: false,
  };
  try {
    await sendBy(ports, run, sure.use);
    // Skipped for a recent failure while another one is usable (spec §3.3): none was. A doubtful one is no better choice.
    if (!run.reached || doubtful.length > 0) await sendBy(ports, run, sure.skipped);
    // Only after all others failed, however long that took: an answer that comes sooner must not make a second copy.
    await sendBy(ports, run, last.use);
    if (!run.reached) await sendBy(ports, run, last.skipped);
  } catch (error) {
    // Aborted: what was said so far counts if a recipient was taken, or may have been; else nothing was sent.
    if (!signal.aborted || !wasTaken(run)) throw error;
  }
  if (signal.aborted && !wasTaken(run)) throw signal.reason instanceof Error ? signal.reason : new Error('aborted');
  return combine(run);
}

/** Sends by these gateways until every recipient is done or each of them has been used. */
async function sendBy(ports: PassPorts, run: PassRun, order: readonly string[]): Promise<void> {
  let left = order;
  for (;;) {
    const going = new Set(remainingRecipients(run.pass));
    const recipients = run.recipients.filter((r) => going.has(r.id));
    if (recipients.length === 0 || left.length === 0) return;
    const used = new Set<string>();
    const ready = await ports.openFirstReady(
      left.flatMap((id) => run.gateways.get(id) ?? []),
      run.signal,
      (gateway, failure) => {
        used.add(gateway.id);
        takeIn(run, gateway, outcomeOfFailure(failure, recipients));
        ports.states.failed(gateway, reportOfFailure(failure, recipients));
      },
    );
    if (!ready) return;
    used.add(ready.gateway.id);
    await sendByGateway(ports, run, ready, recipients);
    left = left.filter((id) => !used.has(id));
  }
}

async function sendByGateway(
  ports: PassPorts,
  run: PassRun,
  { gateway, session }: ReadyGateway,
  recipients: readonly OutgoingRecipient[],
): Promise<void> {
  const { states } = ports;
  if (session.used === 0) states.worked(gateway, session.tls, session.readyMs, true);
  const reconnect = () => ports.acquire(gateway, run.signal);
  const outcome = await sendOver(session, reconnect, run.message, recipients, run.tries, run.signal);
  ports.pool.release(outcome.session);
  takeIn(run, gateway, outcome);
  states.heard(gateway, outcome.reports, session);
  if ([...outcome.verdicts.values()].some((v) => v.kind === 'delivered')) {
    run.delivered = true;
    ports.hopWorks(`gateway:${gateway.id}`);
  }
}

function takeIn(run: PassRun, gateway: GatewaySettings, outcome: HopOutcome): void {
  run.tries.push(...outcome.tries);
  const reached = outcome.reports.some((report) => sessionEstablished(report));
  run.reached ||= reached;
  run.pass = afterGateway(run.pass, gateway.id, outcome.verdicts, reached);
  for (const id of outcome.dsnPassedOn) run.dsnPassedOn.add(id);
}

/** A recipient was taken, or may have been: that is recorded, aborted or not. */
function wasTaken({ delivered, pass }: PassRun): boolean {
  return delivered || [...finishPass(pass).values()].some((r) => mayBeDelivered(r.verdict));
}

/** Timeline rows of gateways that are skipped for a recent failure (spec §3.3). */
function skippedRows(
  ids: readonly string[],
  gateways: ReadonlyMap<string, GatewaySettings>,
  now: number,
): HopAttemptDraft[] {
  return ids.flatMap((id): HopAttemptDraft[] => {
    const gateway = gateways.get(id);
    if (!gateway) return [];
    const hop = gatewayHop(gateway);
    return [{ hop, startedAt: now, endedAt: now, phase: 'connect', tls: null, skipped: true, outcomes: [] }];
  });
}

function combine(run: PassRun): StepResult {
  const results = finishPass(run.pass);
  const waitsFor = new Map<number, string>();
  for (const [id, { verdict, gatewayId }] of results) {
    const isHopsFault = verdict.kind === 'deferred' && (verdict.scope === 'host' || verdict.scope === 'gateway');
    if (isHopsFault && gatewayId !== null) waitsFor.set(id, `gateway:${gatewayId}`);
  }
  return {
    tries: run.tries.sort((a, b) => a.startedAt - b.startedAt),
    verdicts: new Map([...results].map(([id, r]) => [id, r.verdict])),
    errorKinds: new Map(),
    waitsFor,
    nothingReached: [...results.values()].every((r) => r.nothingReached),
    dsnPassedOn: run.dsnPassedOn,
  };
}
