/** Calls about gateways: their state, test, discovery, passwords and sign-in. */
import type { Output, Parsed } from '../../shared/ipc-contract.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import { bindingOf } from '../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { secretName } from '../secrets/gateway-secrets.ts';
import { SecretError, type SecretStore } from '../secrets/secret-store.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { noAddress, noSuchGateway } from './failures.ts';
import type { HandlersOf } from './handlers.ts';

/** A test of a gateway, and the search for one, end after this. */
const MAX_TEST_MS = 60_000;

export interface GatewayDeps {
  readonly scheduler: Pick<Scheduler, 'environment' | 'credentialsChanged'>;
  readonly delivery: Pick<Delivery, 'gatewayStates' | 'testGateway'>;
  readonly settings: Pick<SettingsStore, 'get'>;
  readonly secrets: Pick<SecretStore, 'set'>;
  readonly discover: (address: string, signal: AbortSignal) => Promise<Output<'gateways.discover'>['found']>;
  readonly signIn: (
    gateway: GatewaySettings,
    options: { readonly clientSecret?: string | undefined; readonly acceptObfuscated: boolean },
  ) => Promise<Output<'gateways.signIn'>>;
  readonly signOut: (gateway: GatewaySettings) => Promise<void>;
}

export function gatewayHandlers(deps: GatewayDeps): HandlersOf<'gateways' | 'secrets'> {
  const { delivery, scheduler } = deps;
  return {
    'secrets.set': async (input) => setSecret(deps, input),
    'gateways.states': async () => ok({ states: delivery.gatewayStates() }),
    'gateways.test': async ({ gateway, secret }) => {
      if (scheduler.environment().hold === 'dial-up')
        return fail('held', 'Nothing is tried while a dial-up connection is required and missing.');
      const steps = await delivery.testGateway(gateway, secret ?? null, AbortSignal.timeout(MAX_TEST_MS));
      return ok({ ok: steps.every((s) => s.ok !== false), steps });
    },
    'gateways.discover': async ({ address }) => {
      if (!isEmailAddress(address)) return noAddress('address');
      return ok({ found: await deps.discover(address, AbortSignal.timeout(MAX_TEST_MS)) });
    },
    'gateways.signIn': async ({ gatewayId, ...options }) => {
      const gateway = savedGateway(deps, gatewayId);
      return gateway ? ok(await deps.signIn(gateway, options)) : noSuchGateway();
    },
    'gateways.signOut': async ({ gatewayId }) => {
      const gateway = savedGateway(deps, gatewayId);
      if (!gateway) return noSuchGateway();
      await deps.signOut(gateway);
      return ok({ phrase: { id: 'oauth.signed-out' } });
    },
  };
}

function savedGateway({ settings }: GatewayDeps, id: string): GatewaySettings | undefined {
  return settings.get().gateways.list.find((g) => g.id === id);
}

async function setSecret(deps: GatewayDeps, input: Parsed<'secrets.set'>): Promise<Result<Output<'secrets.set'>>> {
  const { gatewayId, secret, acceptObfuscated, gateway = savedGateway(deps, gatewayId) } = input;
  if (gateway?.id !== gatewayId) return noSuchGateway();
  const binding = bindingOf(gateway, deps.settings.get().connection);
  try {
    await deps.secrets.set(secretName('password', gatewayId), secret, { acceptObfuscated, binding });
  } catch (error) {
    if (!(error instanceof SecretError) || error.reason !== 'needs-consent') throw error;
    return ok({ stored: false, needsConsent: true });
  }
  deps.scheduler.credentialsChanged(gatewayId);
  return ok({ stored: secret !== null, needsConsent: false });
}
