/**
 * Keeps what secrets are given for (shared/secret-binding.ts) in step with the user. A way (proxy, DNS servers) that he
 * sets himself is one that he wants his passwords to go; one that comes with a whole file of settings is not.
 */
import { bindingOf, sameWay, type SecretBinding, type SecretWay } from '../../shared/secret-binding.ts';
import type { Settings } from '../../shared/settings.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import { secretNames, secretCondition, secretUse } from './gateway-secrets.ts';
import type { Log } from '../log/log-port.ts';
import type { SecretStore } from './secret-store.ts';

export interface SecretBindings {
  /** The user is setting single values, and these come of it. To be called before they are saved; returns what ends it. */
  byHand(next: Settings): () => void;
  /** The settings are these now. */
  changed(next: Settings): void;
}

/**
 * Binds what an older version kept to the gateways as the settings have them. `gatewayBack`: what is kept for this gateway
 * can be used again.
 */
export function createSecretBindings(deps: {
  readonly secrets: SecretStore;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly settings: Settings;
  readonly gatewayBack: (id: string) => void;
}): SecretBindings {
  const { secrets, log } = deps;
  let current = deps.settings;
  /** Ways that the user is setting himself at this moment. */
  const wished = new Set<SecretWay>();

  const bind = (bindings: ReadonlyMap<string, SecretBinding>): void => {
    logRejection(secrets.bind(bindings), log, 'secret-bindings');
  };
  if (secrets.unbound().length > 0) {
    bind(adopted(secrets.unbound(), current));
    log.note('secrets bound to their servers', { count: secrets.names().length });
  }

  const mayUse = (settings: Settings): ReadonlySet<string> =>
    new Set(
      settings.gateways.list
        .filter((g) => secretCondition(secrets, secretUse(g), g, settings.connection).kind === 'fits')
        .map((g) => g.id),
    );

  return {
    byHand({ connection }) {
      wished.add(connection);
      return () => {
        wished.delete(connection);
      };
    },
    changed(next) {
      const before = current;
      current = next;
      const could = mayUse(before);
      const moved = !sameWay(before.connection, next.connection);
      if (moved && [...wished].some((way) => sameWay(way, next.connection)))
        bind(movedAlong(secrets, before.connection, next.connection));
      const known = new Set(before.gateways.list.map((g) => g.id));
      for (const id of mayUse(next)) if (known.has(id) && !could.has(id)) deps.gatewayBack(id);
    },
  };
}

/** Each secret given for the gateway that it is named after. */
function adopted(names: readonly string[], settings: Settings): ReadonlyMap<string, SecretBinding> {
  const bindings = new Map<string, SecretBinding>();
  for (const gateway of settings.gateways.list)
    for (const name of secretNames(gateway.id))
      if (names.includes(name)) bindings.set(name, bindingOf(gateway, settings.connection));
  return bindings;
}

/** Those that went the old way go the new one; what waits to be entered again goes on waiting. */
function movedAlong(secrets: SecretStore, from: SecretWay, to: SecretWay): ReadonlyMap<string, SecretBinding> {
  const bindings = new Map<string, SecretBinding>();
  for (const name of secrets.names()) {
    const binding = secrets.binding(name);
    if (binding !== null && sameWay(binding, from))
      bindings.set(name, { ...binding, proxy: to.proxy, dnsServers: [...to.dnsServers] });
  }
  return bindings;
}
