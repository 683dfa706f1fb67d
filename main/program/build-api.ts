/** The API over the parts of this program. */
import type { EngineApi, Output } from '../../shared/ipc-contract.ts';
import { fail, type Result } from '../../shared/result.ts';
import { createApi } from '../api/api.ts';
import { submitTestMessage } from '../api/test-message.ts';
import { dkimRecord, makeDkimKey, newDkimLine } from '../secrets/dkim/dkim.ts';
import { exportSettings } from '../settings/export-settings.ts';
import type { Parts } from './build.ts';
import { createChangeSettings, type ChangeSettings } from './change-settings.ts';
import type { ProgramParts } from './program.ts';
import type { StatusFeed } from './status-feed.ts';

export function buildApi(given: ProgramParts, parts: Parts, status: StatusFeed): EngineApi {
  const { settings, secrets, store, clock, log, scheduler, oauth, preview, hostNames, newQueueId } = parts;
  const change = createChangeSettings(parts);
  const { hostname } = hostNames;
  return createApi({
    ...{ clock, log, store, scheduler, settings, secrets, newQueueId },
    delivery: parts.delivery,
    network: parts.network,
    dialUp: parts.dialler,
    problems: parts.problems,
    status: status.newest,
    exportSettings: () => exportSettings(settings.get()),
    applyChanges: change.apply,
    importSettings: change.importFile,
    acceptStandIns: change.saveCurrent,
    setListenerPassword: change.setListenerPassword,
    submitTest: async (message) => submitTestMessage({ store, clock, log, newQueueId, hostname }, message),
    preview: async (id) => preview.preview(id),
    discover: async (address, signal) => discover(parts, address, signal),
    makeDkimKey: async (domain, selector) => makeKeyAndLine(parts, change, domain, selector),
    dkimRecord: async (domain, selector) => dkimRecord(secrets, domain, selector),
    pickup: parts.pickup.now,
    signIn: async (gateway, options) => {
      const result = await oauth.signIn(gateway, options, parts.ending.signal);
      if (result.signedIn) scheduler.credentialsChanged(gateway.id);
      return result;
    },
    signOut: async (gateway) => oauth.signOut(gateway),
    quit: given.quit,
  });
}

async function discover(
  { dns, clock, proxy }: Parts,
  address: string,
  signal: AbortSignal,
): Promise<Output<'gateways.discover'>['found']> {
  // Its parser of XML is large, and wanted once in a gateway's life.
  const { discoverGateways, webText } = await import('../discovery/discover.ts');
  return discoverGateways({ dns, fetchText: webText(clock, { proxy }) }, address, signal);
}

/** A key, and the line of the settings that makes mail be signed with it. */
async function makeKeyAndLine(
  { secrets, settings, removedSecrets }: Parts,
  change: ChangeSettings,
  domain: string,
  selector: string,
): Promise<Result<Output<'security.makeDkimKey'>>> {
  await removedSecrets.bringBackDkimKey(domain, selector);
  const made = await makeDkimKey(secrets, domain, selector);
  const line = made.ok ? newDkimLine(settings.get(), domain, selector) : null;
  const done = line === null ? null : await change.apply([line]);
  return done?.saved === false ? fail('bad-input', done.problems[0]?.message ?? '', 'selector') : made;
}
