/** Sessions with mail servers of recipients' domains and of the LAN: how they are opened, and what opening them shows of the network. */
import type { Settings } from '../../shared/settings.ts';
import type { MailHost } from '../policy/direct-hosts.ts';
import type { ResolverWatch } from '../dns/resolver-watch.ts';
import type { Log } from '../log/log-port.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import type { Clock } from '../runtime/clock.ts';
import { interleaveFamilies } from '../smtp/dial.ts';
import { openSession, type SessionFailure, type SessionTarget } from '../smtp/open-session.ts';
import { parseProxy } from '../smtp/proxy.ts';
import type { SmtpSession } from '../smtp/session.ts';
import { phaseTimeouts } from '../smtp/timeouts.ts';
import { MX_CONNECTIONS, type ConnectionPool } from './connection-pool.ts';
import type { Ipv6Memory } from './ipv6-memory.ts';

/** How long a host whose TLS does not work is not asked for it again: each handshake that fails costs a connection. */
const CLEAR_TEXT_MS = 3_600_000;

export interface HostSessionsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly trust: Pick<ResolverWatch, 'dns'>;
  readonly settings: () => Settings;
  readonly hostname: () => string;
  readonly pool: ConnectionPool;
  readonly ipv6: Ipv6Memory;
  readonly memory: Pick<NetworkMemory, 'noteDirect'>;
  /** More certificate authorities to trust where a policy asks for a verified certificate (PEM). */
  readonly ca?: readonly string[];
}

export interface HostSessions {
  /** A session with the host, at none of the addresses to avoid. Rejects only when `signal` aborts. */
  acquire(host: MailHost, avoid: ReadonlySet<string>, signal: AbortSignal): Promise<SmtpSession | SessionFailure>;
  release(session: SmtpSession): void;
  /** Another network: hosts whose TLS failed are asked for TLS again. */
  forget(): void;
}

export function createHostSessions(deps: HostSessionsDeps): HostSessions {
  const { clock, pool } = deps;
  /** Until when (monotonic ms) a host is spoken to without TLS, by key of the pool. */
  const clearTextUntil = new Map<string, number>();

  const open = async (
    host: MailHost,
    key: string,
    avoid: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<SmtpSession | SessionFailure> => {
    const withoutTls = (clearTextUntil.get(key) ?? -Infinity) > clock.monotonic();
    const opened = await openSession(targetOf(deps, host, avoid, withoutTls), { clock, log: deps.log }, signal);
    deps.ipv6.learn(opened);
    if (host.kind === 'mx') {
      if (!signal.aborted) noteAnswer(deps, host.host, opened);
      // Its addresses are looked up again: they may have changed, or been wrong.
      if (opened.kind === 'failed') deps.trust.dns.forget(host.host);
    }
    if (host.sts === 'testing') logStsTesting(deps.log, host, opened);
    if (opened.kind === 'ready' && opened.fellBack) clearTextUntil.set(key, clock.monotonic() + CLEAR_TEXT_MS);
    return opened;
  };

  return {
    acquire(host, avoid, signal) {
      // A verified connection serves every domain; an unverified one is not for a domain whose policy is enforced.
      const key = `${host.kind}:${host.host}:${host.port}${host.sts === 'enforce' ? ':verified' : ''}`;
      return pool.acquire(
        { key, limit: MX_CONNECTIONS, avoid, open: (openSignal) => open(host, key, avoid, openSignal) },
        signal,
      );
    },
    release: (session) => {
      pool.release(session);
    },
    forget() {
      clearTextUntil.clear();
    },
  };
}

function targetOf(
  deps: HostSessionsDeps,
  host: MailHost,
  avoid: ReadonlySet<string>,
  withoutTls: boolean,
): SessionTarget {
  const { connection } = deps.settings();
  const enforced = host.sts === 'enforce';
  const addresses = host.addresses
    .filter((a) => !avoid.has(a))
    .map((address) => ({ address, family: address.includes(':') ? (6 as const) : (4 as const) }));
  return {
    hop: { kind: host.kind, host: host.host, port: host.port },
    addresses: interleaveFamilies(addresses, deps.ipv6.works()),
    security: enforced ? 'starttls' : withoutTls ? 'none' : 'opportunistic',
    verify: enforced,
    ...(enforced && deps.ca ? { ca: deps.ca } : {}),
    credentials: null,
    allowInsecureAuth: false,
    heloName: deps.hostname(),
    timeouts: phaseTimeouts(connection.serverTimeoutSeconds, host.kind),
    proxy: host.kind === 'lan' ? null : parseProxy(connection.proxy),
  };
}

/** What this connection shows of port 25 on this network (spec §4.4). A refusal or a missing route shows nothing. */
function noteAnswer(
  { memory, clock }: Pick<HostSessionsDeps, 'memory' | 'clock'>,
  host: string,
  opened: SmtpSession | SessionFailure,
): void {
  if (opened.kind === 'ready' || opened.reply !== null) memory.noteDirect({ kind: 'answered' });
  else if (opened.phase === 'connect' && opened.trouble?.kind === 'timeout')
    memory.noteDirect({ kind: 'silent', host, at: clock.now() });
}

/** A policy in testing mode: what it would have forbidden is logged (RFC 8461 §5). */
function logStsTesting(log: Log, { host, domain = '' }: MailHost, opened: SmtpSession | SessionFailure): void {
  if (opened.kind !== 'ready' || opened.tls?.verified === true) return;
  const problem = opened.tls ? 'the certificate cannot be verified' : 'no TLS';
  log.note('mta-sts', { domain, mode: 'testing', host, problem });
}
