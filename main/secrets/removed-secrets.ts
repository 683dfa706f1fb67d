/**
 * What becomes of the secrets of gateways and DKIM keys that are taken out of the settings: they leave the secret store at
 * once, and are remembered until the program ends, so that *Undo*, or an import that brings the gateway back, finds its
 * password and its sign-in again. What they may be used for then is told by their binding, as ever.
 */
import { dkimKeyName } from './dkim/dkim.ts';
import type { Settings } from '../../shared/settings.ts';
import { secretNames } from './gateway-secrets.ts';
import type { Log } from '../log/log-port.ts';
import type { SecretStore } from './secret-store.ts';

export interface RemovedSecrets {
  /** The settings are these now. Resolves once the secret store agrees; never rejects. */
  changed(next: Settings): Promise<void>;
  /**
   * Takes out of the store, of these names, the passwords, sign-ins and keys that belong to nothing in the settings: a
   * dialog stored them, and what they were for was never saved. Never rejects.
   *
   * To be called once, at the start, before anybody can be asked for a secret, and with settings that are as the user left
   * them. Never later: nobody here knows which dialogs are open, and one may stay open for days on a computer that sleeps;
   * a time of grace would only make it rare that a password goes between its dialog's two steps. What a dialog leaves behind
   * now goes at the next start, and an undo does not reach over a start.
   */
  sweep(kept: readonly string[]): Promise<void>;
  /** A DKIM key is wanted that may have been removed a moment ago: published records must go on fitting. Never rejects. */
  bringBackDkimKey(domain: string, selector: string): Promise<void>;
}

/** What else may stand in the store is not ours to judge. */
const OWNED = /^(gateway|oauth|oauth-client|dkim):/;

/** Names in the secret store, each with the id of its gateway; null: of none. */
function namesIn(settings: Settings): ReadonlyMap<string, string | null> {
  const names = new Map<string, string | null>();
  for (const { id } of settings.gateways.list) for (const name of secretNames(id)) names.set(name, id);
  for (const { domain, selector } of settings.security.dkim) names.set(dkimKeyName(domain, selector), null);
  return names;
}

export function createRemovedSecrets(deps: {
  readonly secrets: SecretStore;
  readonly log: Pick<Log, 'note' | 'problem'>;
  /** As the program found them: what they do not name now was not removed by anybody, and stays. */
  readonly settings: Settings;
  /** This gateway is gone: whatever is known of its sign-in is to be forgotten, or it would be written again. */
  readonly gatewayGone: (id: string) => void;
  /** This gateway has its password or sign-in back. */
  readonly gatewayBack: (id: string) => void;
}): RemovedSecrets {
  const { secrets, log } = deps;
  let names = namesIn(deps.settings);
  let work: Promise<void> = Promise.resolve();

  /** One after the other, whatever becomes of each. */
  const then = (run: () => Promise<void>): Promise<void> =>
    (work = work.then(run).catch((error: unknown) => {
      log.problem('removed-secrets', error);
    }));
  const each = (run: () => Promise<unknown>): Promise<unknown> =>
    run().catch((error: unknown) => {
      log.problem('removed-secrets', error);
    });

  return {
    changed: (next) =>
      then(async () => {
        const before = names;
        names = namesIn(next);
        const gone = new Set<string>();
        const back = new Set<string>();
        for (const [name, gatewayId] of before) {
          if (names.has(name)) continue;
          if (gatewayId !== null && !gone.has(gatewayId)) {
            gone.add(gatewayId);
            deps.gatewayGone(gatewayId);
          }
          if (secrets.has(name)) await each(() => secrets.putAside(name));
        }
        for (const [name, gatewayId] of names) {
          await each(async () => {
            if ((await secrets.bringBack(name)) && gatewayId !== null) back.add(gatewayId);
          });
        }
        for (const id of gone) log.note('secrets of a removed gateway removed', { gateway: id });
        for (const id of back) deps.gatewayBack(id);
      }),
    sweep: (kept) =>
      then(async () => {
        const orphans = kept.filter((name) => OWNED.test(name) && !names.has(name));
        for (const name of orphans) await each(() => secrets.set(name, null, { acceptObfuscated: true }));
        if (orphans.length > 0) log.note('secrets that belonged to nothing removed', { count: orphans.length });
      }),
    bringBackDkimKey: (domain, selector) =>
      then(async () => {
        await secrets.bringBack(dkimKeyName(domain, selector));
      }),
  };
}
