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
} from '../../policy/network-state.ts';
import type { SessionReport } from '../../policy/model.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SecretStore } from '../../secrets/secret-store.ts';
import type { SmtpSession } from '../../smtp/open-session.ts';
import { troubleWords } from '../transactions.ts';

interface Note {
  readonly state: 'works' | 'unreachable' | 'sign-in-refused' | 'tls-failed' | 'refused';
  readonly phrase: Phrase;
  readonly since: number;
  /** Of the settings that it is about: a changed gateway is a new one. */
  readonly fingerprint: string;
}

export interface GatewayStates {
  /** Ids to use now and ids to pass over, each in the given order. */
  sort(ids: readonly string[]): { readonly use: readonly string[]; readonly skipped: readonly string[] };
  /** `signedIn` false: it was only probed; what is known of a refused sign-in stays. */
  worked(gateway: GatewaySettings, tls: TlsInfo | null, ms: number, signedIn: boolean): void;
  /** A session or transaction failed for the gateway's own reasons, or its host's. */
  failed(gateway: GatewaySettings, report: SessionReport): void;
  /** What came of a message over a session that was had: of several transactions the last that says something counts. */
  heard(
    gateway: GatewaySettings,
    reports: readonly SessionReport[],
    session: Pick<SmtpSession, 'tls' | 'readyMs'>,
  ): void;
  /** It did not answer within its head start while another one did. */
  slow(gateway: GatewaySettings): void;
  /** How long (ms) it may be silent before the next one is tried as well. */
  headStart(gateway: GatewaySettings): number;
  forget(): void;
  /** Forgets, but for what is still of use if this is the network that was lost. */
  networkChanged(): void;
  /** A new password or sign-in: nothing is known of this gateway. */
  credentialsChanged(id: string): void;
  states(): readonly GatewayState[];
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

export function createGatewayStates(deps: {
  readonly clock: Clock;
  readonly settings: () => Settings;
  readonly networkId: () => string | null;
  readonly networkNames: () => readonly string[];
  readonly secrets: Pick<SecretStore, 'has' | 'binding'>;
  /** OAuth 2 gateways that only the user can help. */
  readonly needsSignIn?: (gateway: GatewaySettings) => 'no' | 'never-signed-in' | 'ended';
}): GatewayStates {
  let memory = emptyMemory(deps.networkId());
  const notes = new Map<string, Note>();
  const listeners = new Set<() => void>();
  const now = (): number => deps.clock.now();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const current = (): typeof memory => {
    const moved = onNetwork(memory, deps.networkId(), now());
    if (moved !== memory) notes.clear();
    memory = moved;
    return memory;
  };
  const note = (gateway: GatewaySettings, state: Note['state'], phrase: Phrase): void => {
    const before = notes.get(gateway.id);
    const same = before?.state === state && before.fingerprint === gatewayFingerprint(gateway);
    notes.set(gateway.id, {
      state,
      phrase,
      since: same ? before.since : now(),
      fingerprint: gatewayFingerprint(gateway),
    });
    if (!same) tell();
  };

  const secretState = (gateway: GatewaySettings) => {
    const use = secretUse(gateway);
    const standing = secretCondition(deps.secrets, use, gateway, deps.settings().connection);
    return {
      hasSecret: standing.kind === 'fits',
      secretFor: serverOf(deps.secrets.binding(secretName(use, gateway.id))),
      secretAgain: standing.kind === 'again' ? standing.why : null,
    };
  };

  return {
    sort(ids) {
      // Settings that changed since the failure: nothing is known of them.
      for (const gateway of deps.settings().gateways.list) {
        const known = notes.get(gateway.id);
        if (known && known.fingerprint !== gatewayFingerprint(gateway)) {
          notes.delete(gateway.id);
          memory = noteReached(current(), gateway.id);
        }
      }
      return skipResting(ids, current(), now());
    },
    worked(gateway, tls, ms, signedIn) {
      memory = noteReached(current(), gateway.id);
      const known = notes.get(gateway.id);
      if (
        !signedIn &&
        gateway.auth !== 'none' &&
        known?.state === 'sign-in-refused' &&
        known.fingerprint === gatewayFingerprint(gateway)
      )
        return;
      note(gateway, 'works', {
        id: tls ? 'gateway.state.worksEncrypted' : 'gateway.state.works',
        params: { ...(tls ? { tls: tls.protocol.replace(/^TLSv/, 'TLS ') } : {}), ms: Math.max(1, Math.round(ms)) },
      });
    },
    failed(gateway, report) {
      const news = observeGateway(report);
      if (news.kind !== 'fault') return;
      const { verdict } = news;
      if (!news.reached) memory = noteUnreachable(current(), gateway.id, now());
      const words = verdict.reply
        ? `${verdict.reply.code} ${verdict.reply.text.replaceAll('\n', ' ')}`
        : report.trouble
          ? troubleWords(report.trouble)
          : '';
      const since = notes.get(gateway.id);
      switch (verdict.why) {
        case 'auth':
          return note(gateway, 'sign-in-refused', { id: 'gateway.state.signInRefused', params: { words } });
        case 'no-secret':
          return note(gateway, 'sign-in-refused', {
            id: gateway.auth === 'oauth2' ? 'gateway.state.signInNeeded' : 'gateway.state.noSecret',
          });
        case 'tls':
        case 'tls-required':
          return note(gateway, 'tls-failed', { id: 'gateway.state.tlsFailed', params: { words } });
        case 'intercepted':
          return note(gateway, 'tls-failed', { id: 'gateway.state.intercepted', params: { words } });
        case 'greeting':
        case 'reply':
        case 'unsupported-reply':
        case 'relaying-denied':
        case 'policy':
          return note(gateway, 'refused', { id: 'gateway.state.refused', params: { words } });
        default:
          return note(gateway, 'unreachable', {
            id: 'gateway.state.unreachable',
            params: { at: since?.state === 'unreachable' ? since.since : now(), words },
          });
      }
    },
    heard(gateway, reports, { tls, readyMs }) {
      const telling = reports.findLast((report) => observeGateway(report).kind !== 'nothing');
      if (telling === undefined) return;
      if (observeGateway(telling).kind === 'works') this.worked(gateway, tls, readyMs, true);
      else this.failed(gateway, telling);
    },
    slow(gateway) {
      memory = noteUnreachable(current(), gateway.id, now());
      note(gateway, 'unreachable', { id: 'gateway.state.slow', params: { at: now() } });
    },
    headStart(gateway) {
      return headStartOf(current(), gateway.id, deps.settings().gateways.headStartMs);
    },
    forget() {
      memory = emptyMemory(deps.networkId());
    },
    networkChanged() {
      const before = memory;
      // The same network in another state: a log-in page that is gone, a resume.
      if (current() === before) this.forget();
    },
    credentialsChanged(id) {
      memory = noteReached(current(), id);
      notes.delete(id);
      tell();
    },
    states() {
      current();
      const { list } = deps.settings().gateways;
      // Senders are a message's matter; the network is the gateway's.
      const here = new Set(
        orderGateways({
          list: list.map((g) => ({ ...g, senders: [] })),
          networkId: deps.networkId(),
          networkNames: deps.networkNames(),
          sender: null,
        }).ids,
      );
      return list.map((gateway): GatewayState => {
        const known = notes.get(gateway.id);
        const fresh = known?.fingerprint === gatewayFingerprint(gateway) ? known : null;
        const secret = secretState(gateway);
        const rest = isResting(memory, gateway.id, now()) ? (memory.rests[gateway.id]?.restsUntil ?? null) : null;
        if (!gateway.enabled)
          return {
            id: gateway.id,
            state: 'disabled',
            phrase: { id: 'gateway.state.disabled' },
            since: null,
            restsUntil: null,
            ...secret,
          };
        if (!here.has(gateway.id))
          return {
            id: gateway.id,
            state: 'not-here',
            phrase: { id: 'gateway.state.notHere' },
            since: null,
            restsUntil: null,
            ...secret,
          };
        const again = gateway.auth === 'none' ? null : secret.secretAgain;
        if (again !== null)
          return {
            id: gateway.id,
            state: 'sign-in-refused',
            phrase: misfitPhrase(secretUse(gateway), again),
            since: fresh?.state === 'sign-in-refused' ? fresh.since : null,
            restsUntil: null,
            ...secret,
          };
        const needs = deps.needsSignIn?.(gateway) ?? 'no';
        if (needs !== 'no')
          return {
            id: gateway.id,
            state: 'sign-in-refused',
            phrase: { id: needs === 'ended' ? 'gateway.state.signInEnded' : 'gateway.state.signInNeeded' },
            since: fresh?.state === 'sign-in-refused' ? fresh.since : null,
            restsUntil: null,
            ...secret,
            hasSecret: false,
          };
        if (!fresh)
          return {
            id: gateway.id,
            state: 'unknown',
            phrase: { id: 'gateway.state.unknown' },
            since: null,
            restsUntil: null,
            ...secret,
          };
        return {
          id: gateway.id,
          state: fresh.state,
          phrase: fresh.phrase,
          since: fresh.since,
          restsUntil: rest,
          ...secret,
        };
      });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
