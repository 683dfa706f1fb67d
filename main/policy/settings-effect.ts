/** What a change of settings means for the mail that waits (spec §3.5). */
import type { GatewaySettings, Settings } from '../../shared/settings.ts';

export interface SettingsEffect {
  /** Routes or next hops changed: everything in the Outbox is tried again. */
  readonly routes: boolean;
  /** Ids of the gateways of which nothing is known any more: they are probed. */
  readonly gateways: readonly string[];
}

/** What decides how a gateway is reached and signed in to. */
function reachedBy(gateway: GatewaySettings): string {
  const { host, port, security, auth, username, allowInsecureAuth, allowInvalidCertificate } = gateway;
  const { enabled, networks, oauthIssuer, oauthClientId, oauthScope } = gateway;
  return JSON.stringify([
    ...[host, port, security, auth, username, allowInsecureAuth, allowInvalidCertificate],
    ...[enabled, networks, oauthIssuer, oauthClientId, oauthScope],
  ]);
}

/** What decides how anything is reached at all. */
function waysOut({ connection, security }: Settings): string {
  return JSON.stringify([connection.dnsServers, connection.proxy, security.networkNames]);
}

function routesBy(settings: Settings): string {
  const { gateways, connection, administration } = settings;
  const { mode, onErrors, domains, list } = gateways;
  const { directPort, trustLoopbackMx, lanHosts } = connection;
  return JSON.stringify([
    ...[waysOut(settings), mode, onErrors, domains],
    list.map((gateway) => [gateway.id, gateway.priority, gateway.senders, reachedBy(gateway)]),
    ...[directPort, trustLoopbackMx, lanHosts, administration.forceDelivery],
  ]);
}

/**
 * A change of anything else (names, time-outs, limits, the listener, appearance) leaves the queue as it is, and no connection
 * is made for it.
 */
export function settingsEffect(before: Settings, next: Settings): SettingsEffect {
  if (routesBy(before) === routesBy(next)) return { routes: false, gateways: [] };
  const all = waysOut(before) !== waysOut(next);
  const known = new Map(before.gateways.list.map((gateway) => [gateway.id, reachedBy(gateway)]));
  const changed = next.gateways.list.filter((gateway) => all || known.get(gateway.id) !== reachedBy(gateway));
  return { routes: true, gateways: changed.filter(({ enabled }) => enabled).map(({ id }) => id) };
}
