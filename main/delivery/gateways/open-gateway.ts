/** From a gateway's settings to something that can be connected to: addresses, credentials, security. */
import type { HopRef, SmtpPhase } from '../../../shared/mail.ts';
import { sameWay, type SecretWay } from '../../../shared/secret-binding.ts';
import type { GatewaySettings, Settings } from '../../../shared/settings.ts';
import { isIp } from '../../../shared/syntax.ts';
import { releaseSecret, secretCondition } from '../../secrets/gateway-secrets.ts';
import type { SessionTrouble } from '../../policy/model.ts';
import type { Dns, DnsAnswer } from '../../dns/dns-port.ts';
import type { Log } from '../../log/log-port.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SecretStore } from '../../secrets/secret-store.ts';
import { interleaveFamilies } from '../../smtp/dial.ts';
import type { ResolvedAddress } from '../../smtp/dial.ts';
import type { Ipv6Memory } from '../ipv6-memory.ts';
import { parseProxy } from '../../smtp/proxy.ts';
import type { ResolverWatch } from '../../dns/resolver-watch.ts';
import { openSession, type SessionFailure, type SessionTarget } from '../../smtp/open-session.ts';
import type { SmtpSession } from '../../smtp/session.ts';
import { tokenTrouble, type Credentials, type TokenAnswer } from '../../smtp/sign-in.ts';
import { phaseTimeouts } from '../../smtp/timeouts.ts';

/** Fetches an access token for a gateway; `refresh` after the last one was refused. Never rejects. */
export type TokenSource = (gateway: GatewaySettings, refresh: boolean) => Promise<TokenAnswer>;

export interface GatewayTargetDeps {
  readonly clock: Clock;
  readonly dns: Dns;
  readonly trust: Pick<ResolverWatch, 'dns' | 'withoutInvented'>;
  readonly secrets: Pick<SecretStore, 'get' | 'has' | 'binding'>;
  readonly log: Log;
  readonly settings: () => Settings;
  readonly hostname: () => string;
  readonly ipv6: Ipv6Memory;
  readonly token?: TokenSource;
  readonly ca?: readonly string[];
}

/** Where this gateway is, for timeline and log. */
export function gatewayHop(gateway: GatewaySettings): HopRef {
  return {
    kind: 'gateway',
    host: bareHost(gateway.host),
    port: gateway.port,
    gatewayId: gateway.id,
    gatewayName: gateway.name,
  };
}

function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

export interface OpenGatewayOptions {
  readonly signIn: boolean;
  /** Instead of the stored one. */
  readonly secret?: string | null;
  readonly onGreeting?: () => void;
  readonly onPhase?: (phase: SmtpPhase) => void;
  readonly onResolved?: (answer: DnsAnswer<ResolvedAddress>) => void;
}

/** Resolves, connects, encrypts and, if asked, signs in. Never rejects. */
export async function openGateway(
  deps: GatewayTargetDeps,
  gateway: GatewaySettings,
  signal: AbortSignal,
  options: OpenGatewayOptions,
): Promise<SmtpSession | SessionFailure> {
  const { clock } = deps;
  const startedAt = clock.now();
  const failure = (phase: SmtpPhase, trouble: SessionTrouble): SessionFailure => ({
    kind: 'failed',
    hop: gatewayHop(gateway),
    phase,
    startedAt,
    endedAt: clock.now(),
    trouble,
    reply: null,
    tls: null,
    addressFailures: [],
    noRoute: false,
  });
  try {
    // One way for all of this connection: what was released for it must not go another one that is set meanwhile.
    const way = deps.settings().connection;
    let credentials: Credentials | null = null;
    if (options.signIn && gateway.auth !== 'none') {
      const found = await credentialsOf(deps, gateway, way, options.secret);
      if (found.kind === 'no-secret') return failure('auth', found);
      if (found.kind === 'oauth2') {
        // Before anything is connected to: a gateway whose sign-in has ended is paused (spec §3.4).
        const first = await found.token(false);
        if (first.kind !== 'token') return failure('auth', tokenTrouble(first));
      }
      credentials = found;
    }
    const answer = await resolveGateway(deps, gateway, signal);
    options.onResolved?.(answer);
    if (credentials !== null && !sameWay(way, deps.settings().connection))
      return failure('dns', { kind: 'connection-lost' });
    const proxy = parseProxy(way.proxy);
    const name = bareHost(gateway.host);
    // Behind a proxy names are often known to the proxy alone.
    if (answer.kind !== 'found' && (!proxy || isLocalName(name))) return failure('dns', { kind: 'unreachable' });
    const records: readonly ResolvedAddress[] =
      answer.kind === 'found' ? answer.records : [{ address: name, family: 4 }];
    const target: SessionTarget = {
      hop: gatewayHop(gateway),
      addresses: interleaveFamilies(records, deps.ipv6.works()),
      security: gateway.security === 'auto' ? (gateway.port === 465 ? 'tls' : 'if-offered') : gateway.security,
      verify: !gateway.allowInvalidCertificate,
      credentials,
      guarded: gateway.auth !== 'none',
      allowInsecureAuth: gateway.allowInsecureAuth,
      heloName: deps.hostname(),
      timeouts: phaseTimeouts(deps.settings().connection.serverTimeoutSeconds, 'gateway'),
      ...(deps.ca ? { ca: deps.ca } : {}),
      proxy,
    };
    const opened = await openSession(
      target,
      {
        clock,
        log: deps.log,
        ...(options.onGreeting ? { onGreeting: options.onGreeting } : {}),
        ...(options.onPhase ? { onPhase: options.onPhase } : {}),
      },
      signal,
    );
    deps.ipv6.learn(opened);
    // The name may lead elsewhere by now, or never have led there.
    if (opened.kind === 'failed' && opened.reply === null)
      for (const dns of [deps.dns, deps.trust.dns]) dns.forget(name);
    return opened;
  } catch (error) {
    if (signal.aborted) return failure('connect', { kind: 'connection-lost' });
    deps.log.problem('gateway', error);
    return failure('connect', { kind: 'local', detail: 'the connection could not be prepared' });
  }
}

async function credentialsOf(
  deps: GatewayTargetDeps,
  gateway: GatewaySettings,
  way: SecretWay,
  given: string | null | undefined,
): Promise<Credentials | Extract<SessionTrouble, { kind: 'no-secret' }>> {
  const { username } = gateway;
  if (gateway.auth === 'oauth2') {
    const { token } = deps;
    const condition = secretCondition(deps.secrets, 'tokens', gateway, way);
    if (condition.kind === 'again') return { kind: 'no-secret', why: condition.why, use: 'tokens' };
    return token ? { kind: 'oauth2', username, token: (refresh) => token(gateway, refresh) } : { kind: 'no-secret' };
  }
  if (typeof given === 'string') return { kind: 'password', username, password: given };
  const released = await releaseSecret(deps.secrets, 'password', gateway, way);
  if (released.kind === 'secret') return { kind: 'password', username, password: released.value };
  return released.why === null ? { kind: 'no-secret' } : { kind: 'no-secret', why: released.why, use: 'password' };
}

function isLocalName(name: string): boolean {
  return !name.includes('.') || /\.(local|lan|internal|home\.arpa|localhost)\.?$/i.test(name);
}

/** A name in the DNS; a single label, a LAN name, or one that the DNS does not know: whatever the system makes of it. */
async function resolveGateway(
  { dns, trust }: Pick<GatewayTargetDeps, 'dns' | 'trust'>,
  gateway: GatewaySettings,
  signal: AbortSignal,
): Promise<DnsAnswer<ResolvedAddress>> {
  const bare = bareHost(gateway.host);
  if (isIp(bare)) return { kind: 'found', records: [{ address: bare, family: bare.includes(':') ? 6 : 4 }], ttl: 0 };
  const ask = async (how: 'dns' | 'system'): Promise<DnsAnswer<ResolvedAddress>> => {
    if (provesItsName(gateway)) return dns.addresses(bare, signal, how);
    return trust.withoutInvented(await trust.dns.addresses(bare, signal, how), how, signal);
  };
  const local = isLocalName(bare);
  if (local) {
    const system = await ask('system');
    if (system.kind === 'found') return system;
  }
  const answer = await ask('dns');
  if (answer.kind === 'found' || local) return answer;
  // A hosts file or a company's resolver may know it all the same.
  const system = await ask('system');
  return system.kind === 'found' ? system : answer;
}

/** Its certificate is verified before anything is sent: a host at an invented address gets nothing. */
function provesItsName({ security, port, auth, allowInsecureAuth, allowInvalidCertificate }: GatewaySettings): boolean {
  if (allowInvalidCertificate) return false;
  if (security === 'tls' || security === 'starttls' || (security === 'auto' && port === 465)) return true;
  return auth !== 'none' && !allowInsecureAuth;
}
