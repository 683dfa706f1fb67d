/** Who hears whom: what one part reports, and what others do then. */
import { logRejection } from '../runtime/log-rejection.ts';
import { isReadable } from '../settings/file-problems.ts';
import type { Parts } from './build.ts';
import type { ProblemReports } from './problem-reports.ts';
import type { StatusFeed } from './status-feed.ts';

/** @returns what ends it: nobody hears anything any more. */
export function connectParts(parts: Parts, status: StatusFeed, reports: ProblemReports): () => void {
  const stops = [
    ...connectMail(parts, status),
    ...connectStorage(parts, status),
    ...connectNetwork(parts, status, reports),
    ...connectGateways(parts, status, reports),
    ...connectSettings(parts, status, reports),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

type Stops = readonly (() => void)[];

/** New mail, and what becomes of it. */
function connectMail({ signals, store, scheduler, dialUp }: Parts, status: StatusFeed): Stops {
  return [
    signals.on('mail-accepted', dialUp.queueChanged),
    signals.on('mail-waits', () => {
      dialUp.queueChanged();
      scheduler.newMail();
    }),
    store.onChange(() => {
      status.queueChanged();
      status.changed();
    }),
    scheduler.onChange(() => {
      if (scheduler.sending() === 0) dialUp.queueChanged();
      status.changed();
    }),
  ];
}

/** The disk, and the queue file on it. */
function connectStorage(parts: Parts, status: StatusFeed): Stops {
  const { signals, storage, scheduler, pickup, problems, log } = parts;
  return [
    signals.on('store-lost', (error) => {
      log.problem('store', error);
      storage.lost(error);
    }),
    signals.on('store-reopened', (recovery) => {
      log.note('store-reopened', { setAside: recovery.setAside, salvaged: recovery.salvaged });
      storage.opened(recovery);
      status.queueChanged();
      scheduler.storeReopened();
      pickup.soon();
    }),
    signals.on('disk-has-room', pickup.soon),
    signals.on('disk-full', () => {
      logRejection(storage.freeSpace(), log, 'disk');
    }),
    problems.onChange(status.changed),
  ];
}

function connectNetwork(parts: Parts, status: StatusFeed, reports: ProblemReports): Stops {
  const { listener, network, memory, names, dialUp, scheduler, log } = parts;
  const directChanged = (): void => {
    reports.direct();
    status.changed();
  };
  return [
    listener.onState(() => {
      reports.listener();
      status.changed();
    }),
    network.watch(() => {
      logRejection(listener.networkChanged(), log, 'listener');
      dialUp.networkChanged();
      directChanged();
    }),
    memory.onChange(directChanged),
    names.onChange(directChanged),
    dialUp.onChange(() => {
      scheduler.dialUpChanged();
      status.changed();
    }),
  ];
}

function connectGateways(parts: Parts, status: StatusFeed, reports: ProblemReports): Stops {
  const { signals, scheduler, delivery, oauth } = parts;
  const gatewaysChanged = (): void => {
    reports.gateways();
    status.gatewaysChanged();
    status.changed();
  };
  return [
    signals.on('credentials-back', ({ gatewayId }) => {
      scheduler.credentialsChanged(gatewayId);
    }),
    delivery.onGatewaysChanged(gatewaysChanged),
    oauth.onChange(gatewaysChanged),
  ];
}

function connectSettings(parts: Parts, status: StatusFeed, reports: ProblemReports): Stops {
  const { settings, log, listener, removedSecrets, dialUp } = parts;
  return [
    parts.stopSecretBindings,
    settings.onChange((next) => {
      reports.settingsFile(settings.message ?? null);
      log.setMode(next.administration.log);
      logRejection(listener.apply(next), log, 'listener');
      // What a file that cannot be read does not name was removed by nobody.
      if (isReadable(settings)) logRejection(removedSecrets.changed(next), log, 'removed-secrets');
      dialUp.settingsChanged();
      reports.gateways();
      reports.direct();
      status.settingsChanged();
      status.changed();
    }),
  ];
}
