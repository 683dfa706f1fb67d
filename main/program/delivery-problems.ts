/** What the user is told about gateways that want his eye and about direct delivery, as problems in window and tray. */
import type { Phrase } from '../../shared/mail.ts';
import { phrase, type PhraseId } from '../../shared/phrases.ts';
import type { SecretMisfit } from '../../shared/secret-binding.ts';
import type { Settings } from '../../shared/settings.ts';
import type { GatewayState, NamesTrouble } from '../../shared/status.ts';
import type { Delivery } from '../delivery/delivery-port.ts';
import type { ResolverWatch } from '../dns/resolver-watch.ts';
import type { NetworkMemory } from '../network/network-memory.ts';
import type { OAuth } from '../secrets/oauth/oauth.ts';
import type { Problems } from './problems.ts';

export interface DeliveryProblems {
  /** Some gateway's state, settings or sign-in changed. */
  gateways(): void;
  /** What is known of direct delivery or of the names that it needs, or the mode, changed. */
  direct(): void;
}

export function createDeliveryProblems(deps: {
  readonly problems: Pick<Problems, 'raise' | 'clear'>;
  readonly delivery: Pick<Delivery, 'gatewayStates'>;
  readonly oauth: Pick<OAuth, 'needsSignIn'>;
  readonly memory: Pick<NetworkMemory, 'directBlocked'>;
  readonly names: Pick<ResolverWatch, 'trouble'>;
  readonly settings: () => Settings;
}): DeliveryProblems {
  const { problems, delivery, oauth, memory, names, settings } = deps;
  /** What was said about each gateway: said once, so that what the user dismissed stays away until something changes. */
  const said = new Map<string, string>();
  let toldOfNames: NamesTrouble['reason'] | null = null;

  return {
    gateways() {
      const gone = new Set(said.keys());
      for (const state of delivery.gatewayStates()) {
        const id = `gateway:${state.id}`;
        gone.delete(id);
        const gateway = settings().gateways.list.find((g) => g.id === state.id);
        const notice = gatewayProblem(state, gateway ? oauth.needsSignIn(gateway) : 'no');
        const told = JSON.stringify(notice);
        if (notice === null) {
          said.delete(id);
          problems.clear(id);
        } else if (said.get(id) !== told) {
          said.set(id, told);
          const params = { ...notice.params, gateway: gateway?.name ?? state.id };
          problems.raise(id, notice.severity, { id: notice.id, params });
        }
      }
      for (const id of gone) {
        said.delete(id);
        problems.clear(id);
      }
    },
    direct() {
      // Worth saying only where mail would go directly (spec §4.4).
      if (settings().gateways.mode !== 'always' && memory.directBlocked())
        problems.raise('direct-blocked', 'warning', phrase('direct.blocked'));
      else problems.clear('direct-blocked');
      const trouble = names.trouble();
      if (trouble === null) {
        toldOfNames = null;
        problems.clear('names');
      } else if (toldOfNames !== trouble.reason) {
        toldOfNames = trouble.reason;
        problems.raise('names', 'warning', phrase(`names.${trouble.reason}`));
      }
    },
  };
}

function againId({ kind }: SecretMisfit): PhraseId {
  return kind === 'provider' ? 'problem.again.unknown' : `problem.again.${kind}`;
}

/** What the user is told about a gateway in this state; null = nothing. A refused sign-in is mended by no retry (spec §3.2). */
export function gatewayProblem(
  { state, phrase: words, secretAgain }: GatewayState,
  needsSignIn: 'no' | 'never-signed-in' | 'ended',
): { readonly id: string; readonly severity: 'error' | 'warning'; readonly params?: Phrase['params'] } | null {
  if (state === 'sign-in-refused') {
    if (secretAgain) return { id: againId(secretAgain), severity: 'error', params: words.params };
    if (needsSignIn === 'ended') return { id: 'problem.oauth-revoked', severity: 'error' };
    if (needsSignIn === 'never-signed-in') return { id: 'problem.oauth-sign-in', severity: 'warning' };
    return { id: 'problem.sign-in-refused', severity: 'error' };
  }
  if (state !== 'tls-failed') return null;
  const id = words.id === 'gateway.state.intercepted' ? 'problem.intercepted' : 'problem.tls-failed';
  return { id, severity: 'warning' };
}
