/** What the program says of itself: status bar, tray, `postcast status`. */
import type { FolderCounts, HoldReason, Phrase } from './mail.ts';
import type { SecretMisfit, SecretServer } from './secret-binding.ts';
import type { GatewayMode } from './settings.ts';

/**
 * What the program is doing, most urgent last. `waiting`: mail waits for its next attempt. `no-way-out`: as far as is known,
 * nothing can leave on this network.
 */
export type ProgramState =
  'idle' | 'waiting' | 'sending' | 'paused' | 'no-way-out' | 'waiting-network' | 'waiting-dial-up' | 'attention';

/** An address of the settings that cannot be listened on. */
export interface MissingAddress {
  readonly host: string;
  readonly reason: 'taken' | 'forbidden' | 'address' | 'other';
  readonly message: string;
}

export type ListenerState =
  | { readonly kind: 'starting' | 'stopped' }
  | {
      readonly kind: 'listening';
      readonly hosts: readonly string[];
      readonly port: number;
      /** Wanted, but not to be had at present. Absent: none. */
      readonly missing?: readonly MissingAddress[];
    }
  | {
      readonly kind: 'failed';
      readonly port: number;
      /** 'taken' EADDRINUSE, 'forbidden' EACCES, 'address' EADDRNOTAVAIL, else 'other'. */
      readonly reason: 'taken' | 'forbidden' | 'address' | 'other';
      readonly message: string;
      /** A port that was free a moment ago, for "use port N instead". */
      readonly suggestedPort: number | null;
    };

export type LinkKind = 'ethernet' | 'wifi' | 'mobile' | 'ppp' | 'vpn' | 'other';

/** One connection of the computer. */
export interface Link {
  /** Interface: "eth0". */
  readonly device: string;
  readonly kind: LinkKind;
  /** Connection name or SSID, if the system tells it. */
  readonly name: string | null;
  readonly addresses: readonly string[];
}

/** What the laptop is connected to now (spec §2 *network*). */
export interface NetworkState {
  /** False: no link with an address and a route off this computer. */
  readonly online: boolean;
  /** Identity of the network, null when offline or not known. */
  readonly id: string | null;
  /** Name given by the user, else SSID or connection name. */
  readonly name: string | null;
  readonly kind: LinkKind | null;
  readonly links: readonly Link[];
  readonly portal: boolean;
  readonly metered: boolean | null;
  /** When this network was joined. */
  readonly since: number;
  /** How changes are learned of. Absent: not known yet. */
  readonly hearing?: NetworkHearing;
}

/** How the program learns that the network has changed. */
export interface NetworkHearing {
  /** `helper`: it tells at once. `looking`: it is not there, or cannot be started, and the network is looked at every few seconds. */
  readonly by: 'helper' | 'looking';
  /** The program of the system that tells: "ip monitor". */
  readonly helper: string;
}

export interface DialUpState {
  readonly required: boolean;
  /** Names of the dial-up connections that are up. */
  readonly active: readonly string[];
  /** True when mail is held because a required connection is missing. */
  readonly holding: boolean;
  readonly lastAction: Phrase | null;
}

/** Why mail that goes directly waits for names on this network (spec §4.4). */
export interface NamesTrouble {
  /**
   * The name server knows no names; it gives one address to all; it does not answer, or not so that it can be found out
   * whether it is sane.
   */
  readonly reason: 'no-names' | 'one-address' | 'undecided';
  readonly since: number;
}

/** What is known of one gateway on the present network (spec §3.3). */
export interface GatewayState {
  readonly id: string;
  readonly state:
    'unknown' | 'works' | 'unreachable' | 'sign-in-refused' | 'tls-failed' | 'refused' | 'disabled' | 'not-here';
  /** Plain sentence: "works here (TLS 1.3, 41 ms)". */
  readonly phrase: Phrase;
  readonly since: number | null;
  /** Not used before this time on this network. */
  readonly restsUntil: number | null;
  /** One is kept that may be used for the gateway as it stands. */
  readonly hasSecret: boolean;
  /** What the kept one was given for; null: none is kept, or nobody knows. */
  readonly secretFor?: SecretServer | null;
  /** Why the kept one may not be used: it has to be entered (or signed in) again. */
  readonly secretAgain?: SecretMisfit | null;
}

/** Something that wants the user's eye; shown until it is over or dismissed. */
export interface Problem {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly phrase: Phrase;
  readonly since: number;
  /** The user has to decide, and this is what `settings.goOn` would do; then it cannot be dismissed. */
  readonly action?: Phrase;
}

export interface SecretsState {
  /** 'protected': the system's key store. 'obfuscated': no key store, the user agreed. 'none': no key store, nothing is stored. */
  readonly protection: 'protected' | 'obfuscated' | 'none';
  readonly backend: string;
}

export interface AppStatus {
  readonly version: string;
  readonly pid: number;
  readonly profile: string;
  readonly state: ProgramState;
  /** Why, in plain sentences, most important first. */
  readonly phrases: readonly Phrase[];
  readonly paused: boolean;
  /** Why nothing is tried at all now; null = what is due is tried. */
  readonly hold: HoldReason | null;
  readonly listener: ListenerState;
  readonly network: NetworkState;
  readonly dialUp: DialUpState;
  readonly counts: FolderCounts;
  /** Recipients in flight now. */
  readonly sending: number;
  readonly mode: GatewayMode;
  readonly secrets: SecretsState;
  readonly problems: readonly Problem[];
}
