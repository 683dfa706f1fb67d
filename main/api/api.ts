/**
 * The engine's side of the contract (shared/ipc-contract.ts): what windows and command line can ask. Inputs are parsed
 * already; every answer is a Result. Room: a file of handlers for each area of the contract; from outside `createApi`,
 * the queue's actions and the test message are imported.
 */
import type { EngineApi } from '../../shared/ipc-contract.ts';
import type { ProblemLog } from '../runtime/log-rejection.ts';
import { controlHandlers, type ControlDeps } from './control-handlers.ts';
import { guarded } from './failures.ts';
import { gatewayHandlers, type GatewayDeps } from './gateway-handlers.ts';
import { networkHandlers, type NetworkDeps } from './network-handlers.ts';
import { queueHandlers, type QueueDeps } from './queue-handlers.ts';
import { serverHandlers, type ServerDeps } from './server-handlers.ts';
import { settingsHandlers, type SettingsDeps } from './settings-handlers.ts';

/** What the handlers of all areas need. */
export type ApiDeps = QueueDeps &
  ControlDeps &
  SettingsDeps &
  GatewayDeps &
  NetworkDeps &
  ServerDeps & { readonly log: ProblemLog };

/** Every call of the contract, by its name. */
export function createApi(deps: ApiDeps): EngineApi {
  const handlers: EngineApi = {
    ...queueHandlers(deps),
    ...controlHandlers(deps),
    ...settingsHandlers(deps),
    ...gatewayHandlers(deps),
    ...networkHandlers(deps),
    ...serverHandlers(deps),
  };
  const entries = Object.entries(handlers).map(([name, run]) => [name, guarded(name, deps.log, run)]);
  return Object.fromEntries(entries) as EngineApi;
}
