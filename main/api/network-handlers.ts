/** Calls about networks and dial-up connections. */
import type { KnownNetwork } from '../../shared/ipc-contract.ts';
import { ok } from '../../shared/result.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { DialUp, NetworkMonitor } from '../network/network-port.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import type { HandlersOf } from './handlers.ts';

export interface NetworkDeps {
  readonly store: Pick<QueueStore, 'knownNetworks' | 'forgetNetwork'>;
  readonly scheduler: Pick<Scheduler, 'directBlocked' | 'forgetNetwork' | 'retestDirect'>;
  readonly delivery: Pick<Delivery, 'names'>;
  readonly settings: Pick<SettingsStore, 'get'>;
  readonly network: Pick<NetworkMonitor, 'current'>;
  readonly dialUp: Pick<DialUp, 'configured'>;
}

export function networkHandlers(deps: NetworkDeps): HandlersOf<'networks' | 'dialUp'> {
  const { store, scheduler, network, dialUp } = deps;
  return {
    'networks.current': async () => ok(network.current()),
    'networks.list': async () => ok({ networks: await knownNetworks(deps) }),
    'networks.forget': async ({ id }) => {
      await store.forgetNetwork(id);
      scheduler.forgetNetwork(id);
      return ok({});
    },
    'networks.retestDirect': async () => ok({ phrase: await scheduler.retestDirect() }),
    'dialUp.connections': async () => ok({ links: network.current().links, configured: await dialUp.configured() }),
  };
}

/** The networks of the queue file, each with the user's name for it and what is known of direct delivery there. */
async function knownNetworks(deps: NetworkDeps): Promise<readonly KnownNetwork[]> {
  const givenNames = deps.settings.get().security.networkNames;
  const current = deps.network.current().id;
  const known = await deps.store.knownNetworks();
  const trouble = deps.delivery.names.trouble();
  return known.map((n) => ({
    ...n,
    givenName: givenNames[n.id] ?? null,
    current: n.id === current,
    directBlocked: deps.scheduler.directBlocked(n.id),
    ...(n.id === current && trouble !== null ? { names: trouble.reason } : {}),
  }));
}
