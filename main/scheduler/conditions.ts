/** What the scheduler knows of its surroundings: network, dial-up, whether it is paused, and why the queue holds. */
import type { DialUpState, NetworkState } from '../../shared/status.ts';
import type { NetworkMonitor } from '../network/network-port.ts';
import type { LinkFacts } from '../policy/environment-change.ts';
import { decideHold } from '../policy/hold.ts';
import type { Environment } from '../policy/model.ts';
import type { Clock } from '../runtime/clock.ts';
import { settingsHold } from '../settings/read-settings.ts';
import type { SettingsStore } from '../settings/settings-store.ts';

export interface ConditionsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly network: Pick<NetworkMonitor, 'current'>;
  readonly settings: SettingsStore;
  /** Names and addresses that are this computer, for the MX loop rule (RFC 5321 §5.1). */
  readonly ownNames: () => readonly string[];
  /** What dial-up is doing. */
  readonly dialUp: () => DialUpState;
}

interface ConditionsState {
  /** `starting`: mail is taken already, nothing is claimed yet. */
  phase: 'starting' | 'running' | 'closing';
  paused: boolean;
  /** As they were taken in last: what came since is a change. */
  network: NetworkState;
  dialUp: DialUpState;
}

/** Network and dial-up at one moment. */
export interface LinkConditions {
  readonly network: NetworkState;
  readonly facts: LinkFacts;
}

export interface Conditions {
  phase(): ConditionsState['phase'];
  enter(phase: 'running' | 'closing'): void;
  paused(): boolean;
  setPaused(paused: boolean): void;
  /** The network as it was taken in last. */
  network(): NetworkState;
  /** Takes in what network and dial-up are now. */
  takeIn(): { readonly before: LinkConditions; readonly now: LinkConditions };
  /** Why the queue holds; null if it does not. */
  hold(): Environment['hold'];
  /** The present moment, as policy decides on it. */
  environment(): Environment;
}

export function createConditions(deps: ConditionsDeps): Conditions {
  const { clock, network, settings } = deps;
  const state: ConditionsState = {
    phase: 'starting',
    paused: false,
    network: network.current(),
    dialUp: deps.dialUp(),
  };

  const holdWith = (dialUp: DialUpState): Environment['hold'] =>
    decideHold({ paused: state.paused, settings: settingsHold(settings), network: state.network, dialUp });
  const hold = (): Environment['hold'] => holdWith(deps.dialUp());

  const links = (): LinkConditions => {
    const { network: known, dialUp } = state;
    return {
      network: known,
      facts: {
        online: known.online,
        name: known.name,
        portal: known.portal,
        addresses: addressesOf(known),
        dialUp: dialUp.active,
        held: holdWith(dialUp) !== null,
      },
    };
  };

  return {
    phase: () => state.phase,
    enter(phase) {
      // What closes while it starts stays closed.
      if (state.phase !== 'closing') state.phase = phase;
    },
    paused: () => state.paused,
    setPaused(paused) {
      state.paused = paused;
    },
    network: () => state.network,
    takeIn() {
      const before = links();
      state.network = network.current();
      state.dialUp = deps.dialUp();
      return { before, now: links() };
    },
    hold,
    environment: () => ({
      settings: settings.get(),
      now: clock.now(),
      networkId: state.network.id,
      networkName: state.network.name,
      linkNames: linkNames(state.network),
      hold: hold(),
      ownNames: deps.ownNames(),
    }),
  };
}

/** The computer's addresses on this network. */
export function addressesOf(network: NetworkState): readonly string[] {
  return network.links.flatMap((link) => link.addresses);
}

/** What the links are called: SSIDs, connections, VPNs. */
function linkNames(network: NetworkState): readonly string[] {
  return network.links.flatMap((link) => (link.name === null ? [] : [link.name]));
}
