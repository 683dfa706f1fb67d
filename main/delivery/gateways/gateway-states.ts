/** What is known of the gateways on the present network (spec §3.3): memory of failures, and the words for the settings window. */
import { misfitPhrase, type SecretBinding, type SecretServer } from '../../../shared/secret-binding.ts';
import type { GatewaySettings, Settings } from '../../../shared/settings.ts';
import type { GatewayState } from '../../../shared/status.ts';
import type { Phrase, TlsInfo } from '../../../shared/mail.ts';
import { secretName, secretCondition, secretUse } from '../../secrets/gateway-secrets.ts';
import { observeGateway } from '../../policy/gateway-health.ts';
import { orderGateways } from '../../policy/gateway-order.ts';
import {
  emptyMemory,
  headStartOf,
  isResting,
  noteReached,
  noteUnreachable,
  onNetwork,
  skipResting,
  type HopMemory,
} from '../../policy/network-state.ts';
import type { SessionReport } from '../../policy/model.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SecretStore } from '../../secrets/secret-store.ts';
import type { SmtpSession } from '../../smtp/session.ts';
import { troubleWords } from '../../smtp/trouble-words.ts';

/** The last that was learnt of one gateway, for the settings window. */
interface Note {
  readonly state: 'works' | 'unreachable' | 'sign-in-refused' | 'tls-failed' | 'refused';
  readonly phrase: Phrase;
  readonly since: number;
  /** Of the settings that it is about: a changed gateway is a new one. */
  readonly fingerprint: string;
}

export interface GatewayStates {
  /** Ids to use now, and ids to skip while one of the others is usable (spec §3.3), each in the given order. */
  sort(ids: readonly string[]): { readonly use: readonly string[]; readonly skipped: readonly string[] };
  /** `signedIn` false: it was only probed; what is known of a refused sign-in stays. */
  worked(gateway: GatewaySettings, tls: TlsInfo | null, ms: number, signedIn: boolean): void;
  /** A session or transaction failed for the gateway's own reasons, or its host's. */
  failed(gateway: GatewaySettings, report: SessionReport): void;
  /** What came of a message over an open session: of several transactions the last that says something of the gateway counts. */
  heard(
    gateway: GatewaySettings,
    reports: readonly SessionReport[],
    session: Pick<SmtpSession, 'tls' | 'readyMs'>,
  ): void;
  /** It did not answer within its head start while another one did. */
  slow(gateway: GatewaySettings): void;
  /** How long (ms) it may be silent before the next one is tried as well. */
  headStart(gateway: GatewaySettings): number;
  /** Forgets every failure. */
  forget(): void;
  /** Forgets, but for what is still of use if this is the network that was lost. */
  networkChanged(): void;
  /** A new password or sign-in: nothing is known of this gateway. */
  credentialsChanged(id: string): void;
  /** One for each gateway of the settings, in their order. */
  states(): readonly GatewayState[];
  /** Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
}

/** What makes two versions of a gateway's settings two gateways. */
export function gatewayFingerprint(g: GatewaySettings): string {
  return [g.host, g.port, g.security, g.auth, g.username, g.allowInsecureAuth, g.allowInvalidCertificate].join('\n');
}

/** What windows may know of a binding. */
function serverOf(binding: SecretBinding | null): SecretServer | null {
  if (binding === null) return null;
  const { host, port, security, allowInsecureAuth, allowInvalidCertificate } = binding;
  return { host, port, security, allowInsecureAuth, allowInvalidCertificate };
}

export interface GatewayStatesDeps {
  readonly clock: Clock;
  readonly settings: () => Settings;
  readonly networkId: () => string | null;
  readonly networkNames: () => readonly string[];
  readonly secrets: Pick<SecretStore, 'has' | 'binding'>;
  /** OAuth 2 gateways that only the user can help. */
  readonly needsSignIn?: (gateway: GatewaySettings) => 'no' | 'never-signed-in' | 'ended';
}

/** What is known, and who is told of changes. */
interface Known {
  readonly deps: GatewayStatesDeps;
  readonly listeners: Set<() => void>;
  /** By gateway id. */
  readonly notes: Map<string, Note>;
  memory: HopMemory;
}

export function createGatewayStates(deps: GatewayStatesDeps): GatewayStates {
  const known: Known = {
    deps,
    listeners: new Set(),
    notes: new Map(),
    memory: emptyMemory(deps.networkId()),
  };
  return {
    sort(ids) {
      forgetChangedSettings(known);
      return skipResting(ids, memoryHere(known), deps.clock.now());
    },
    worked: (gateway, tls, ms, signedIn) => {
      noteWorked(known, gateway, tls, ms, signedIn);
    },
    failed: (gateway, report) => {
      noteFailed(known, gateway, report);
    },
    heard(gateway, reports, { tls, readyMs }) {
      const decisive = reports.findLast((report) => observeGateway(report).kind !== 'nothing');
      if (decisive === undefined) return;
      if (observeGateway(decisive).kind === 'works') noteWorked(known, gateway, tls, readyMs, true);
      else noteFailed(known, gateway, decisive);
    },
    slow(gateway) {
      const at = deps.clock.now();
      known.memory = noteUnreachable(memoryHere(known), gateway.id, at);
      note(known, gateway, 'unreachable', { id: 'gateway.state.slow', params: { at } });
    },
    headStart: (gateway) => headStartOf(memoryHere(known), gateway.id, deps.settings().gateways.headStartMs),
    forget() {
      known.memory = emptyMemory(deps.networkId());
    },
    networkChanged() {
      const before = known.memory;
      // The same network in another state: a log-in page that is gone, a resume.
      if (memoryHere(known) === before) known.memory = emptyMemory(deps.networkId());
    },
    credentialsChanged(id) {
      known.memory = noteReached(memoryHere(known), id);
      known.notes.delete(id);
      announce(known);
    },
    states() {
      memoryHere(known);
      const here = idsOfThisNetwork(deps);
      return deps.settings().gateways.list.map((gateway) => stateOf(known, gateway, here.has(gateway.id)));
    },
    onChange(listener) {
      known.listeners.add(listener);
      return () => {
        known.listeners.delete(listener);
      };
    },
  };
}

function announce({ listeners }: Known): void {
  for (const listener of listeners) listener();
}

/** The memory of the present network. */
function memoryHere(known: Known): HopMemory {
  const { networkId, clock } = known.deps;
  const moved = onNetwork(known.memory, networkId(), clock.now());
  if (moved !== known.memory) known.notes.clear();
  known.memory = moved;
  return moved;
}

/** A gateway whose settings changed since its failure is a new one: nothing is known of it. */
function forgetChangedSettings(known: Known): void {
  for (const gateway of known.deps.settings().gateways.list) {
    const before = known.notes.get(gateway.id);
    if (!before || before.fingerprint === gatewayFingerprint(gateway)) continue;
    known.notes.delete(gateway.id);
    known.memory = noteReached(memoryHere(known), gateway.id);
  }
}

function note(known: Known, gateway: GatewaySettings, state: Note['state'], phrase: Phrase): void {
  const before = known.notes.get(gateway.id);
  const fingerprint = gatewayFingerprint(gateway);
  const same = before?.state === state && before.fingerprint === fingerprint;
  known.notes.set(gateway.id, { state, phrase, since: same ? before.since : known.deps.clock.now(), fingerprint });
  if (!same) announce(known);
}

function noteWorked(known: Known, gateway: GatewaySettings, tls: TlsInfo | null, ms: number, signedIn: boolean): void {
  known.memory = noteReached(memoryHere(known), gateway.id);
  const before = known.notes.get(gateway.id);
  const refusedSignIn = before?.state === 'sign-in-refused' && before.fingerprint === gatewayFingerprint(gateway);
  // A probe does not sign in: what is known of a refused sign-in stays.
  if (!signedIn && gateway.auth !== 'none' && refusedSignIn) return;
  note(known, gateway, 'works', {
    id: tls ? 'gateway.state.worksEncrypted' : 'gateway.state.works',
    params: { ...(tls ? { tls: tls.protocol.replace(/^TLSv/, 'TLS ') } : {}), ms: Math.max(1, Math.round(ms)) },
  });
}

function noteFailed(known: Known, gateway: GatewaySettings, report: SessionReport): void {
  const observed = observeGateway(report);
  if (observed.kind !== 'fault') return;
  const { verdict } = observed;
  if (!observed.reached) known.memory = noteUnreachable(memoryHere(known), gateway.id, known.deps.clock.now());
  const words = verdict.reply
    ? `${verdict.reply.code} ${verdict.reply.text.replaceAll('\n', ' ')}`
    : report.trouble
      ? troubleWords(report.trouble)
      : '';
  const put = (state: Note['state'], id: string, params?: Phrase['params']): void => {
    note(known, gateway, state, params ? { id, params } : { id });
  };
  switch (verdict.why) {
    case 'auth':
      return put('sign-in-refused', 'gateway.state.signInRefused', { words });
    case 'no-secret':
      return put(
        'sign-in-refused',
        gateway.auth === 'oauth2' ? 'gateway.state.signInNeeded' : 'gateway.state.noSecret',
      );
    case 'tls':
    case 'tls-required':
      return put('tls-failed', 'gateway.state.tlsFailed', { words });
    case 'intercepted':
      return put('tls-failed', 'gateway.state.intercepted', { words });
    case 'greeting':
    case 'reply':
    case 'unsupported-reply':
    case 'relaying-denied':
    case 'policy':
      return put('refused', 'gateway.state.refused', { words });
    default: {
      const before = known.notes.get(gateway.id);
      const at = before?.state === 'unreachable' ? before.since : known.deps.clock.now();
      return put('unreachable', 'gateway.state.unreachable', { at, words });
    }
  }
}

/** Gateways that may be used on this network; limits to senders are a message's matter. */
function idsOfThisNetwork({ settings, networkId, networkNames }: GatewayStatesDeps): ReadonlySet<string> {
  const { ids } = orderGateways({
    list: settings().gateways.list.map((g) => ({ ...g, senders: [] })),
    networkId: networkId(),
    networkNames: networkNames(),
    sender: null,
  });
  return new Set(ids);
}

/** What the settings window shows of one gateway. The first that applies counts. */
function stateOf(known: Known, gateway: GatewaySettings, isHere: boolean): GatewayState {
  const { deps, memory } = known;
  const { id } = gateway;
  const last = known.notes.get(id);
  const fresh = last?.fingerprint === gatewayFingerprint(gateway) ? last : null;
  const secret = secretState(deps, gateway);
  const without = (state: GatewayState['state'], phrase: Phrase, since: number | null = null): GatewayState => ({
    id,
    state,
    phrase,
    since,
    restsUntil: null,
    ...secret,
  });
  if (!gateway.enabled) return without('disabled', { id: 'gateway.state.disabled' });
  if (!isHere) return without('not-here', { id: 'gateway.state.notHere' });
  const again = gateway.auth === 'none' ? null : secret.secretAgain;
  if (again) {
    const since = fresh?.state === 'sign-in-refused' ? fresh.since : null;
    return without('sign-in-refused', misfitPhrase(secretUse(gateway), again), since);
  }
  const needs = deps.needsSignIn?.(gateway) ?? 'no';
  if (needs !== 'no') {
    const phrase = { id: needs === 'ended' ? 'gateway.state.signInEnded' : 'gateway.state.signInNeeded' };
    return { ...without('sign-in-refused', phrase), hasSecret: false };
  }
  if (!fresh) return without('unknown', { id: 'gateway.state.unknown' });
  const rest = isResting(memory, id, deps.clock.now()) ? (memory.rests[id]?.restsUntil ?? null) : null;
  return { ...without(fresh.state, fresh.phrase, fresh.since), restsUntil: rest };
}

function secretState(
  { secrets, settings }: GatewayStatesDeps,
  gateway: GatewaySettings,
): Required<Pick<GatewayState, 'hasSecret' | 'secretFor' | 'secretAgain'>> {
  const use = secretUse(gateway);
  const condition = secretCondition(secrets, use, gateway, settings().connection);
  return {
    hasSecret: condition.kind === 'fits',
    secretFor: serverOf(secrets.binding(secretName(use, gateway.id))),
    secretAgain: condition.kind === 'again' ? condition.why : null,
  };
}
