/**
 * The whole program but its shell: listener, queue, delivery, engine and API wired together. Plain Node: the Electron
 * shell (app/compose.ts), the tests and the benches all run this same composition with their own ports.
 */
import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EngineApi } from '../../shared/ipc-contract.ts';
import { phrase } from '../../shared/phrases.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import { stageForDelivery } from '../scheduler/accept-and-claim.ts';
import { createApi } from '../api/api.ts';
import { createDelivery } from '../delivery/delivery.ts';
import { createDns } from '../dns/dns.ts';
import { createMtaSts, policyFetcher } from '../delivery/mta-sts-policies.ts';
import { parseProxy, type Proxy } from '../smtp/proxy.ts';
import { createResolverWatch } from '../dns/resolver-watch.ts';
import { createDialUpDriver } from '../network/dial-up/dial-up-driver.ts';
import { createOutgoing, dkimRecord, makeDkimKey, newDkimLine } from '../secrets/dkim/dkim.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { hashPassword } from '../listener/passwords.ts';
import { createOAuth } from '../secrets/oauth/oauth.ts';
import { createSmtpListener } from '../listener/smtp-listener.ts';
import { createLog } from '../log/log.ts';
import { createMaildrop } from '../maildrop/maildrop.ts';
import { createPickup } from '../maildrop/pickup.ts';
import { ehloName } from '../policy/ehlo-name.ts';
import { noWayOut } from '../policy/way-out.ts';
import type { DialUp, NetworkMonitor } from '../network/network-port.ts';
import { StoreError } from '../queue/queue-store.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { createPreviewReader } from '../preview/read-preview.ts';
import { createProblems } from './problems.ts';
import { createQueueIds } from '../message/queue-id.ts';
import { createDeliveryProblems } from './delivery-problems.ts';
import { createNetworkMemory } from '../network/network-memory.ts';
import { watchForSleep } from '../network/sleep.ts';
import { startQueueStore } from '../queue/open-queue-store.ts';
import { createRemovedSecrets } from '../secrets/removed-secrets.ts';
import { createSecretBindings } from '../secrets/secret-bindings.ts';
import { createReporter, type FailedMessage } from '../report/reporter.ts';
import { applyChanges } from '../settings/apply-changes.ts';
import { isReadable, settingsProblems } from '../settings/file-problems.ts';
import { settingsHold } from '../settings/read-settings.ts';
import { exportSettings, importSettings } from '../settings/export-settings.ts';
import { appStatus } from './status.ts';
import { createStorageProblems, startTrouble } from './storage-problems.ts';
import { systemClock, systemRandom } from '../runtime/system-clock.ts';
import { createEmitter } from '../runtime/emitter.ts';
import { submitTestMessage } from '../api/test-message.ts';

/** What the platform and the shell bring along. */
export interface ProgramParts {
  readonly profile: string;
  readonly version: string;
  /** `whole`: they are as the user left them. */
  readonly settings: SettingsStore & { readonly message?: string | null; readonly whole?: boolean };
  readonly secrets: SecretStore;
  /** Made once the log is there. */
  readonly network: (parts: { readonly clock: Clock; readonly log: ReturnType<typeof createLog> }) => NetworkMonitor;
  readonly dialUp: (parts: { readonly log: ReturnType<typeof createLog> }) => DialUp;
  readonly workers: { readonly store: URL; readonly preview: URL };
  readonly clock?: Clock;
  readonly random?: Random;
  /** Opens an address in the user's browser, to sign in there. Absent: nobody can sign in from here. */
  readonly openExternal?: (url: string) => Promise<void>;
  /** The user or the command line wants the program to end. */
  readonly quit: () => void;
}

export interface ProgramEvents {
  readonly 'queue:changed': Record<string, never>;
  readonly 'status:changed': AppStatus;
  readonly 'settings:changed': Record<string, never>;
  readonly 'gateways:changed': Record<string, never>;
  readonly failed: FailedMessage;
}

export interface Program {
  readonly api: EngineApi;
  status(): AppStatus;
  on<E extends keyof ProgramEvents>(event: E, listener: (payload: ProgramEvents[E]) => void): () => void;
  attachment(id: string, index: number): Promise<Result<{ readonly name: string; readonly bytes: Uint8Array }>>;
  suspended(): void;
  resumed(): void;
  stop(graceMs: number): Promise<void>;
}

/** The computer's name, asked of the system now and then only: every message wants it several times. */
function machineName(clock: Clock): () => string {
  let name = '';
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = clock.monotonic();
    if (now - askedAt > 10_000) {
      name = os.hostname();
      askedAt = now;
    }
    return name;
  };
}

const EMPTY_COUNTS = { outbox: 0, sent: 0, bad: 0, bounced: 0, deleted: 0, unseenBad: 0, unseenBounced: 0 };
/** Several things change at once; faces of the program are told once for them. */
const TELL_AFTER_MS = 100;
const RESUME_ONCE_MS = 2_000;

/**
 * Opens the queue, binds the listener, starts delivering. Resolves once the listener stands (or has failed, which is a
 * state, not an error). Rejects only if there is no way to keep mail: StoreError of the queue.
 */
export async function startProgram(parts: ProgramParts): Promise<Program> {
  const { profile, settings, secrets } = parts;
  const clock = parts.clock ?? systemClock;
  const random = parts.random ?? systemRandom;
  try {
    // Without a turn of the event loop: while Electron starts, each takes long (docs/decisions.md, *Start*).
    mkdirSync(path.join(profile, 'logs'), { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('read-only', `The profile folder ${profile} cannot be written to (${why}).`);
  }
  const log = createLog({
    directory: path.join(profile, 'logs'),
    mode: settings.get().administration.log,
    clock,
  });
  const events = createEmitter<ProgramEvents>((error) => {
    log.problem('event', error);
  });
  const problems = createProblems(clock);
  const storage = createStorageProblems({
    profile,
    clock,
    problems,
    roomAgain: () => {
      pickup.soon();
    },
  });
  const newQueueId = createQueueIds(clock, random);
  const { store, opened } = startQueueStore({
    path: path.join(profile, 'queue.db'),
    runId: random.hex(8),
    clock,
    workerUrl: parts.workers.store,
    onTrouble: (error) => {
      log.problem('store', error);
      storage.lost(error);
    },
    onReopened: (recovery) => {
      log.note('store-reopened', { setAside: recovery.setAside, salvaged: recovery.salvaged });
      storage.opened(recovery);
      events.emit('queue:changed', {});
      engine.storeReopened();
      pickup.soon();
    },
  });

  const dns = createDns({ clock, settings: () => settings.get() });
  const trust = createResolverWatch({
    clock,
    random,
    dns,
    log,
    settings: () => settings.get(),
    mayLook: async () => engine.environment().hold === null && (await store.counts()).outbox > 0,
  });
  const listener = createSmtpListener({
    stage: stageForDelivery(store, {
      reserve: () => engine.reserve(),
      newMail: () => {
        dialUp.queueChanged();
        engine.newMail();
      },
    }),
    newQueueId,
    clock,
    log,
    settings: () => settings.get(),
    names: trust,
    freeSpace: () => storage.freeSpace(),
    tlsDirectory: path.join(profile, 'tls'),
    onCertificate: (trouble) => {
      if (trouble === null) problems.clear('certificate');
      else
        problems.raise(
          'certificate',
          'warning',
          phrase(`problem.certificate.${trouble.reason}`, { file: trouble.file }),
        );
    },
    onAccepted: () => {
      dialUp.queueChanged();
    },
  });
  // Clients are greeted while the rest is made and the queue is opened: their mail waits for it before it is answered.
  const bound = listener.apply(settings.get());

  const secretBindings = createSecretBindings({
    secrets,
    log,
    settings: settings.get(),
    gatewayBack: (id) => {
      engine.credentialsChanged(id);
    },
  });
  // Before anybody else hears of a change and asks for a secret.
  const offBindings = settings.onChange(secretBindings.changed);

  const network = parts.network({ clock, log });
  const ownAddresses = (): readonly string[] => network.current().links.flatMap((link) => link.addresses);
  const machine = machineName(clock);
  const hostname = (): string => ehloName(settings.get().server.hostname, machine(), ownAddresses());
  const dialler = parts.dialUp({ log });
  const memory = createNetworkMemory({ clock, log, networkId: () => network.current().id, store });
  const proxy = (): Proxy | null => parseProxy(settings.get().connection.proxy);
  const oauth = createOAuth({
    clock,
    log,
    secrets,
    way: { proxy },
    connection: () => settings.get().connection,
    ...(parts.openExternal ? { openExternal: parts.openExternal } : {}),
  });
  const delivery = createDelivery({
    clock,
    random,
    dns,
    trust,
    secrets,
    log,
    settings: () => settings.get(),
    networkId: () => network.current().id,
    networkNames: () => {
      const { name, links } = network.current();
      return [name, ...links.map((link) => link.name)].filter((each) => each !== null);
    },
    memory,
    hostname,
    sts: createMtaSts({
      clock,
      dns,
      log,
      fetchPolicy: policyFetcher({
        clock,
        dns,
        trustLoopback: () => settings.get().connection.trustLoopbackMx,
        proxy,
      }),
      store,
    }),
    token: oauth.token,
    needsSignIn: oauth.needsSignIn,
  });
  const dialUp = createDialUpDriver({
    clock,
    log,
    dialUp: dialler,
    settings,
    network,
    queue: async () => ({ waiting: (await store.counts()).outbox, nextDueAt: await store.nextDueAt() }),
    sending: () => engine.sending(),
    // Nothing would be sent over what is dialled.
    paused: () => engine.paused() || settingsHold(settings),
  });
  const engine = createScheduler({
    clock,
    random,
    store,
    delivery,
    dns,
    network,
    memory,
    settings,
    log,
    reporter: createReporter({
      clock,
      random,
      store,
      settings: () => settings.get(),
      hostname,
      newQueueId,
    }),
    failed: (message) => {
      events.emit('failed', message);
    },
    outgoing: createOutgoing(store, secrets, () => settings.get(), log),
    ownNames: () => [hostname(), machine(), ...ownAddresses()],
    dialUp: dialUp.state,
  });
  const dropFolder = path.join(profile, 'maildrop');
  const pickup = createPickup({
    maildrop: createMaildrop({ directory: dropFolder, store, newQueueId, clock, log, hostname }),
    directory: dropFolder,
    clock,
    log,
    problems,
    taken: () => {
      dialUp.queueChanged();
      engine.newMail();
    },
    noRoom: () => {
      logRejection(storage.freeSpace(), log, 'disk');
    },
  });
  const removedSecrets = createRemovedSecrets({
    secrets,
    log,
    settings: settings.get(),
    gatewayGone: oauth.gone,
    gatewayBack: (id) => {
      engine.credentialsChanged(id);
    },
  });
  if (settings.whole === true) logRejection(removedSecrets.sweep(secrets.names()), log, 'removed-secrets');
  const preview = createPreviewReader(store, parts.workers.preview);

  /** What is wrong with the file of the secrets, as it was found last: told once, until it is another fault. */
  let secretsFault = '';
  const tellOfSecrets = (): void => {
    const fault = secrets.fault();
    const now = JSON.stringify(fault);
    if (now === secretsFault) return;
    secretsFault = now;
    if (fault === null) problems.clear('secrets-file');
    else if (fault.kind === 'unreadable')
      problems.raise('secrets-file', 'error', phrase('problem.secretsUnreadable', { why: fault.why }));
    else problems.raise('secrets-file', 'error', phrase('problem.secretsSetAside', { file: fault.file }));
  };

  const notices = createDeliveryProblems({
    problems,
    delivery,
    oauth,
    memory,
    names: trust,
    settings: () => settings.get(),
  });

  const ending = new AbortController();
  let counts = EMPTY_COUNTS;
  const status = (): AppStatus =>
    appStatus({
      version: parts.version,
      pid: process.pid,
      profile,
      paused: engine.paused(),
      hold: engine.environment().hold,
      noWayOut: noWayOut(settings.get().gateways.mode, delivery.gatewayStates(), memory.directBlocked()),
      listener: listener.state(),
      network: network.current(),
      dialUp: dialUp.state(),
      counts,
      sending: engine.sending(),
      mode: settings.get().gateways.mode,
      names: trust.trouble(),
      secrets: secrets.state(),
      problems: problems.list(),
    });

  /** What keeps the store from answering is told as a problem: it must not keep the problems from being told. */
  const recount = async (): Promise<void> => {
    try {
      counts = await store.counts();
    } catch (error) {
      log.problem('counts', error);
    }
  };

  let cancelTell: (() => void) | null = null;
  const tell = (): void => {
    cancelTell ??= clock.after(TELL_AFTER_MS, () => {
      cancelTell = null;
      logRejection(
        recount().then(() => {
          tellOfSecrets();
          events.emit('status:changed', status());
        }),
        log,
        'status',
      );
    });
  };
  const setSettings = async (next: unknown, touched?: readonly string[]): ReturnType<typeof applyAll> => {
    const done = await settings.replace(next, touched);
    return done.ok ? { saved: true, settings: done.settings } : { saved: false, problems: done.problems };
  };
  const applyAll = async (
    changes: Parameters<typeof applyChanges>[1],
  ): Promise<
    | { readonly saved: true; readonly settings: ReturnType<typeof settings.get> }
    | { readonly saved: false; readonly problems: readonly { readonly path: string; readonly message: string }[] }
  > => {
    const changed = applyChanges(settings.get(), changes);
    if (!changed.ok) return { saved: false, problems: changed.problems };
    const touched = changes.map(({ path }) => path);
    const saved = secretBindings.byHand(changed.next);
    try {
      return await setSettings(changed.next, touched);
    } finally {
      saved();
    }
  };

  const tellOfFile = (unreadable: string | null): void => {
    for (const [id, told] of settingsProblems(settings, unreadable)) {
      if (told === null) problems.clear(id);
      else problems.raise(id, told.severity, told.phrase, told.action);
    }
  };

  /** Where it does not listen though it should; that it listens nowhere is a state of its own. */
  const tellOfListener = (): void => {
    const state = listener.state();
    const missing = state.kind === 'listening' ? (state.missing ?? []) : [];
    if (missing.length === 0) problems.clear('listener-address');
    else {
      const hosts = missing.map(({ host }) => host).join(', ');
      problems.raise('listener-address', 'warning', phrase('problem.listenerAddress', { hosts }));
    }
  };

  const stops = [
    offBindings,
    store.onChange(() => {
      events.emit('queue:changed', {});
      tell();
    }),
    engine.onChange(() => {
      if (engine.sending() === 0) dialUp.queueChanged();
      tell();
    }),
    problems.onChange(tell),
    listener.onState(() => {
      tellOfListener();
      tell();
    }),
    network.watch(() => {
      logRejection(listener.networkChanged(), log, 'listener');
      dialUp.networkChanged();
      notices.direct();
      tell();
    }),
    ...[memory, trust].map((each) =>
      each.onChange(() => {
        notices.direct();
        tell();
      }),
    ),
    dialUp.onChange(() => {
      engine.dialUpChanged();
      tell();
    }),
    delivery.onGatewaysChanged(() => {
      notices.gateways();
      events.emit('gateways:changed', {});
      tell();
    }),
    settings.onChange((next) => {
      tellOfFile(settings.message ?? null);
      log.setMode(next.administration.log);
      logRejection(listener.apply(next), log, 'listener');
      // What a file that cannot be read does not name was removed by nobody.
      if (isReadable(settings)) logRejection(removedSecrets.changed(next), log, 'removed-secrets');
      dialUp.settingsChanged();
      notices.gateways();
      notices.direct();
      events.emit('settings:changed', {});
      tell();
    }),
  ];

  stops.push(
    oauth.onChange(() => {
      notices.gateways();
      events.emit('gateways:changed', {});
      tell();
    }),
  );

  // A file that could not be read at all was set aside by now.
  tellOfFile(null);
  tellOfListener();
  tellOfSecrets();

  const api = createApi({
    clock,
    log,
    store,
    engine,
    delivery,
    settings,
    secrets,
    network,
    dialUp: dialler,
    problems,
    newQueueId,
    status: async () => {
      await recount();
      return status();
    },
    exportSettings: () => exportSettings(settings.get()),
    goOn: () => setSettings(settings.get()),
    applyChanges: applyAll,
    importSettings: async (json) => {
      const read = importSettings(json, settings.get());
      if (!read.ok) return { saved: false, problems: read.problems };
      return setSettings(read.next);
    },
    submitTest: (message) => submitTestMessage({ store, clock, log, newQueueId, hostname }, message),
    preview: (id) => preview.preview(id),
    discover: async (address, signal) => {
      // Its parser of XML is large, and wanted once in a gateway's life.
      const { discoverGateways, webText } = await import('../discovery/discover.ts');
      return discoverGateways({ dns, fetchText: webText(clock, { proxy }) }, address, signal);
    },
    setListenerPassword: async (name, password) => {
      const others = settings.get().server.users.filter((user) => user.name !== name);
      const users = password === null ? others : [...others, { name, hash: await hashPassword(password) }];
      return applyAll([{ path: 'server.users', value: users }]);
    },
    makeDkimKey: async (domain, selector) => {
      await removedSecrets.bringBackDkimKey(domain, selector);
      const made = await makeDkimKey(secrets, domain, selector);
      const line = made.ok ? newDkimLine(settings.get(), domain, selector) : null;
      const done = line === null ? null : await applyAll([line]);
      return done?.saved === false ? fail('bad-input', done.problems[0]?.message ?? '', 'selector') : made;
    },
    dkimRecord: (domain, selector) => dkimRecord(secrets, domain, selector),
    pickup: pickup.now,
    signIn: async (gateway, options) => {
      const result = await oauth.signIn(gateway, options, ending.signal);
      if (result.signedIn) engine.credentialsChanged(gateway.id);
      return result;
    },
    signOut: (gateway) => oauth.signOut(gateway),
    quit: parts.quit,
  });

  /** Two sources tell of a resume, and one of them tells twice (docs/platforms.md): the second word within moments is none. */
  let wokeAt = -Infinity;
  const resumed = (): void => {
    if (clock.monotonic() - wokeAt < RESUME_ONCE_MS) return;
    wokeAt = clock.monotonic();
    network.refresh();
    logRejection(engine.wokeUp(), log, 'resume');
  };
  const sleep = watchForSleep(clock, (slept) => {
    log.note('slept', { seconds: Math.round(slept / 1000) });
    resumed();
  });

  let stopping: Promise<void> | null = null;
  const stop = async (graceMs: number): Promise<void> => {
    ending.abort(new Error('the program ends'));
    for (const off of stops) off();
    cancelTell?.();
    sleep.stop();
    storage.close();
    pickup.close();
    dialUp.close();
    // The listener first: whatever is accepted after that is nobody's.
    await listener.close(Math.min(graceMs, 2_000));
    await engine.close(graceMs);
    await delivery.close(1_000);
    await network.close();
    await store.close();
    log.note('stopped');
    await log.close();
  };

  try {
    storage.opened(await opened);
  } catch (error) {
    await stop(0).catch(() => undefined);
    throw startTrouble(error, profile);
  }
  await bound;
  pickup.soon();
  log.note('started', { version: parts.version, requeued: store.recovery.requeued });
  logRejection(
    (async () => {
      await recount();
      await engine.start();
      dialUp.start();
      tell();
    })(),
    log,
    'start',
  );

  return {
    api,
    status,
    on: events.on,
    attachment: async (id, index) => {
      const found = await preview.attachment(id, index);
      return found === null
        ? fail('not-found', 'There is no such attachment.')
        : ok({ name: found.name, bytes: found.bytes });
    },
    suspended: () => {
      wokeAt = -Infinity;
      log.note('suspend');
    },
    resumed: () => {
      sleep.noticed();
      resumed();
    },
    stop: (graceMs) =>
      (stopping ??= stop(graceMs).catch((error: unknown) => {
        log.problem('stop', error);
      })),
  };
}
