/**
 * The engine's side of the contract (shared/ipc-contract.ts): what windows and command line can ask. Inputs are parsed
 * already; every answer is a Result.
 */
import type { EngineApi, KnownNetwork, Output } from '../../shared/ipc-contract.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import { bindingOf } from '../../shared/secret-binding.ts';
import type { GatewaySettings, SettingsProblem } from '../../shared/settings.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { secretName } from '../secrets/gateway-secrets.ts';
import { explain } from '../policy/explain.ts';
import { deletedInMidAttempt } from '../policy/user-actions.ts';
import type { Problems } from '../program/problems.ts';
import { createQueueActions, notFound } from './queue-actions.ts';
import type { TestMessage } from './test-message.ts';
import type { Log } from '../log/log-port.ts';
import type { DialUp, NetworkMonitor } from '../network/network-port.ts';
import { StoreError, type QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import { SecretError, type SecretStore } from '../secrets/secret-store.ts';
import type { SettingsStore } from '../settings/settings-store.ts';

type SettingsAnswer =
  | { readonly saved: true; readonly settings: Output<'settings.get'> }
  | { readonly saved: false; readonly problems: readonly SettingsProblem[] };

export interface ApiDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, 'problem'>;
  readonly store: QueueStore;
  readonly engine: Scheduler;
  readonly delivery: Delivery;
  readonly settings: SettingsStore;
  readonly secrets: SecretStore;
  readonly network: NetworkMonitor;
  readonly dialUp: DialUp;
  readonly problems: Problems;
  readonly newQueueId: () => string;
  readonly status: () => Promise<AppStatus>;
  readonly exportSettings: () => string;
  readonly applyChanges: (
    changes: readonly { readonly path: string; readonly value: unknown }[],
  ) => Promise<SettingsAnswer>;
  readonly importSettings: (json: string) => Promise<SettingsAnswer>;
  /** Saves what stands in the place of values that cannot be read. */
  readonly goOn: () => Promise<SettingsAnswer>;
  readonly submitTest: (message: TestMessage) => Promise<string>;
  readonly preview: (id: string) => Promise<Output<'queue.preview'> | null>;
  readonly discover: (address: string, signal: AbortSignal) => Promise<Output<'gateways.discover'>['found']>;
  readonly setListenerPassword: (name: string, password: string | null) => Promise<SettingsAnswer>;
  readonly makeDkimKey: (domain: string, selector: string) => Promise<Result<Output<'security.makeDkimKey'>>>;
  readonly dkimRecord: (domain: string, selector: string) => Promise<Result<Output<'security.dkimRecord'>>>;
  readonly signIn: (
    gateway: GatewaySettings,
    options: { readonly clientSecret?: string | undefined; readonly acceptObfuscated: boolean },
  ) => Promise<Output<'gateways.signIn'>>;
  readonly signOut: (gateway: GatewaySettings) => Promise<void>;
  readonly pickup: () => Promise<number>;
  readonly quit: () => void;
}

/** What a failed call of the store means to the user. */
function storeFailure(error: StoreError): {
  readonly ok: false;
  readonly error: { readonly code: string; readonly message: string };
} {
  const words: Readonly<Record<StoreError['reason'], string>> = {
    full: 'The disk is full. Free some space and try again.',
    'read-only': 'The profile folder cannot be written to.',
    corrupt: 'The queue file is damaged at this place.',
    busy: 'The queue is busy. Try again.',
    closed: 'The program is ending.',
    other: 'The queue could not do this.',
  };
  return fail(`store-${error.reason}`, words[error.reason]);
}

/** Turns what a handler throws into a Result: nothing crosses IPC as an exception. What the words do not say is in the log. */
function guarded<In, Out>(
  name: string,
  log: Pick<Log, 'problem'>,
  run: (input: In) => Promise<Result<Out>>,
): (input: In) => Promise<Result<Out>> {
  return async (input) => {
    try {
      return await run(input);
    } catch (error) {
      if (error instanceof SecretError) return fail(`secret-${error.reason}`, error.message);
      const saysAll = error instanceof StoreError && error.reason !== 'other' && error.reason !== 'corrupt';
      if (!saysAll) log.problem(`call ${name}`, error);
      if (error instanceof StoreError) return storeFailure(error);
      return fail('internal', 'Something went wrong inside the program; the log has more.');
    }
  };
}

const MAX_TEST_MS = 60_000;
const noGateway = (): ReturnType<typeof fail> => fail('not-found', 'There is no such gateway.', 'gatewayId');

export function createApi(deps: ApiDeps): EngineApi {
  const { store, engine, delivery, settings, secrets, network } = deps;

  const gatewayOf = (id: string): GatewaySettings | undefined => settings.get().gateways.list.find((g) => g.id === id);

  const counted = async (count: Promise<number>): Promise<Result<{ readonly count: number }>> =>
    ok({ count: await count });

  const actions = createQueueActions(deps);

  const handlers: EngineApi = {
    'status.get': async () => ok(await deps.status()),
    'queue.folders': async () => ok(await store.counts()),
    'queue.list': async (input) => ok(await store.list(input)),
    'queue.show': async ({ id }) => {
      const found = await store.details(id);
      if (!found) return notFound();
      const world = engine.environment();
      return ok({
        ...found,
        recipients: found.recipients.map(({ facts, ...recipient }) => ({
          ...recipient,
          why: explain(facts, {
            ...recipient,
            hold: world.hold,
            folder: found.folder,
            deletedWhileSent: deletedInMidAttempt(found.deletedAt, found.timeline, recipient.id),
          }),
        })),
      });
    },
    'queue.raw': async ({ id, offset, length }) => {
      const details = await store.details(id);
      if (!details) return notFound();
      const parts: Uint8Array[] = [];
      let size = 0;
      if (offset < details.size) {
        for await (const chunk of store.read(id, offset)) {
          parts.push(chunk.subarray(0, length - size));
          size += Math.min(chunk.length, length - size);
          if (size >= length) break;
        }
      }
      return ok({ total: details.size, base64: Buffer.concat(parts).toString('base64') });
    },
    'queue.preview': async ({ id }) => {
      const preview = await deps.preview(id);
      return preview === null ? notFound() : ok(preview);
    },
    'queue.retry': async ({ selection, throughGateway }) => {
      if (throughGateway !== undefined && !settings.get().gateways.list.some((g) => g.id === throughGateway)) {
        return fail('not-found', 'There is no such gateway.', 'throughGateway');
      }
      return ok(await engine.retry(selection, throughGateway ?? null));
    },
    'queue.delete': (input) => actions.remove(input),
    'queue.restore': ({ selection }) => actions.restore(selection),
    'queue.markSeen': async ({ selection }) => counted(store.markSeen(selection)),
    'queue.resend': (input) => actions.resend(input),
    'queue.submitTest': async ({ from, to, language }) => {
      const wrong = [from, to].findIndex((one) => !isEmailAddress(one));
      if (wrong >= 0) return fail('bad-input', 'That is not an e-mail address.', wrong === 0 ? 'from' : 'to');
      const id = await deps.submitTest({ from, to, language });
      engine.newMail();
      return ok({ id });
    },
    'queue.activity': async ({ span }) => {
      // A month comes in hours: whose days they make up depends on the time zone of the window.
      const bucketMs = { hour: 60_000, day: 3_600_000, month: 3_600_000 }[span];
      const buckets = { hour: 60, day: 48, month: 31 * 24 }[span];
      const to = Math.floor(deps.clock.now() / bucketMs + 1) * bucketMs;
      return ok(await store.activity({ from: to - buckets * bucketMs, to, bucketMs }));
    },
    'queue.invalidAddresses': async () => ok({ rows: await store.invalidAddresses() }),
    'queue.clearInvalidAddresses': async () => counted(store.clearInvalidAddresses()),
    'control.sendNow': async () => ok(await engine.sendNow()),
    'control.pause': async () => {
      await engine.pause();
      return ok({ paused: true });
    },
    'control.resume': async () => {
      await engine.resume();
      return ok({ paused: false });
    },
    'control.dismissProblem': async ({ id }) => {
      deps.problems.dismiss(id);
      return Promise.resolve(ok({}));
    },
    'settings.get': async () => Promise.resolve(ok(withoutHashes(settings.get()))),
    'settings.set': async ({ changes }) => ok(masked(await deps.applyChanges(changes))),
    'settings.goOn': async () => {
      const answer = await deps.goOn();
      if (answer.saved) return ok({});
      return fail('bad-input', answer.problems[0]?.message ?? 'That cannot be saved.', answer.problems[0]?.path);
    },
    'settings.export': async () => Promise.resolve(ok({ json: deps.exportSettings() })),
    'settings.import': async ({ json }) => ok(masked(await deps.importSettings(json))),
    'secrets.set': async ({ gatewayId, secret, acceptObfuscated, gateway = gatewayOf(gatewayId) }) => {
      if (gateway?.id !== gatewayId) return noGateway();
      const binding = bindingOf(gateway, settings.get().connection);
      try {
        await secrets.set(secretName('password', gatewayId), secret, { acceptObfuscated, binding });
      } catch (error) {
        if (!(error instanceof SecretError) || error.reason !== 'needs-consent') throw error;
        return ok({ stored: false, needsConsent: true });
      }
      engine.credentialsChanged(gatewayId);
      return ok({ stored: secret !== null, needsConsent: false });
    },
    'gateways.states': async () => Promise.resolve(ok({ states: delivery.gatewayStates() })),
    'gateways.test': async ({ gateway, secret }) => {
      const hold = engine.environment().hold;
      if (hold === 'dial-up')
        return fail('held', 'Nothing is tried while a dial-up connection is required and missing.');
      const steps = await delivery.testGateway(gateway, secret ?? null, AbortSignal.timeout(MAX_TEST_MS));
      return ok({ ok: steps.every((s) => s.ok !== false), steps });
    },
    'gateways.discover': async ({ address }) => {
      if (!isEmailAddress(address)) return fail('bad-input', 'That is not an e-mail address.', 'address');
      return ok({ found: await deps.discover(address, AbortSignal.timeout(MAX_TEST_MS)) });
    },
    'gateways.signIn': async ({ gatewayId, ...options }) => {
      const gateway = gatewayOf(gatewayId);
      return gateway ? ok(await deps.signIn(gateway, options)) : noGateway();
    },
    'gateways.signOut': async ({ gatewayId }) => {
      const gateway = gatewayOf(gatewayId);
      if (!gateway) return noGateway();
      await deps.signOut(gateway);
      return ok({ phrase: { id: 'oauth.signed-out' } });
    },
    'networks.current': async () => Promise.resolve(ok(network.current())),
    'networks.list': async () => {
      const names = settings.get().security.networkNames;
      const current = network.current().id;
      const known = await store.knownNetworks();
      const trouble = delivery.names.trouble();
      const networks: KnownNetwork[] = known.map((n) => ({
        ...n,
        givenName: names[n.id] ?? null,
        current: n.id === current,
        directBlocked: engine.directBlocked(n.id),
        ...(n.id === current && trouble !== null ? { names: trouble.reason } : {}),
      }));
      return ok({ networks });
    },
    'networks.forget': async ({ id }) => {
      await store.forgetNetwork(id);
      engine.forgetNetwork(id);
      return ok({});
    },
    'networks.retestDirect': async () => ok({ phrase: await engine.retestDirect() }),
    'dialUp.connections': async () =>
      ok({ links: network.current().links, configured: await deps.dialUp.configured() }),
    'server.setPassword': async ({ name, password }) => {
      const answer = await deps.setListenerPassword(name, password);
      if (answer.saved) return ok({});
      const first = answer.problems[0];
      return fail('bad-input', first?.message ?? 'That cannot be saved.', first?.path);
    },
    'server.usePort': async ({ port }) => {
      const answer = await deps.applyChanges([{ path: 'server.port', value: port }]);
      return answer.saved
        ? ok({ port })
        : fail('bad-input', answer.problems[0]?.message ?? 'That port cannot be used.', 'port');
    },
    'security.makeDkimKey': async ({ domain, selector }) => deps.makeDkimKey(domain, selector),
    'security.dkimRecord': async ({ domain, selector }) => deps.dkimRecord(domain, selector),
    'control.pickup': async () => counted(deps.pickup()),
    'app.quit': async () => {
      deps.quit();
      return Promise.resolve(ok({}));
    },
  };

  return guardAll(handlers, deps.log);
}

/** Password hashes of listener accounts are secrets too: faces of the program see that an account exists, not its hash. */
function withoutHashes<S extends Output<'settings.get'>>(settings: S): S {
  return { ...settings, server: { ...settings.server, users: settings.server.users.map((u) => ({ ...u, hash: '' })) } };
}

function masked(answer: SettingsAnswer): SettingsAnswer {
  return answer.saved ? { saved: true, settings: withoutHashes(answer.settings) } : answer;
}

function guardAll(handlers: EngineApi, log: Pick<Log, 'problem'>): EngineApi {
  const out: Record<string, unknown> = {};
  for (const [name, run] of Object.entries(handlers))
    out[name] = guarded(name, log, run as (input: unknown) => Promise<Result<unknown>>);
  return out as EngineApi;
}
