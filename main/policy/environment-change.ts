/**
 * What happened around the queue, and what follows for attempts under way and for the mail that waits (spec §3.5, §4.3,
 * §4.4, §7). Pure: main/scheduler/environment-watch.ts gathers the facts and carries the reaction out.
 */
import type { Settings } from '../../shared/settings.ts';
import { assertNever } from '../../shared/result.ts';
import { sendsOnConnect } from './dialup-rules.ts';
import { settingsEffect } from './settings-effect.ts';

/** Network and dial-up at one moment. */
export interface LinkFacts {
  readonly online: boolean;
  readonly name: string | null;
  /** The network wants a log-in first. */
  readonly portal: boolean;
  /** Addresses of this computer. */
  readonly addresses: readonly string[];
  /** Dial-up connections that are up. */
  readonly dialUp: readonly string[];
  /** The queue holds, for whatever reason. */
  readonly held: boolean;
}

export type EnvironmentEvent =
  /** Network or dial-up may be others. Both report the same event (a call is a link as well): whoever comes first finds the difference. */
  | {
      readonly kind: 'links';
      readonly before: LinkFacts;
      readonly now: LinkFacts;
      /** Another network, or one that has come back (main/network/interpret-facts.ts). */
      readonly otherNetwork: boolean;
      readonly settings: Pick<Settings['dialUp'], 'sendOnConnect'>;
    }
  | {
      readonly kind: 'settings';
      readonly before: Settings;
      readonly now: Settings;
      /** The queue held for settings that could not be read, and holds now. */
      readonly heldBefore: boolean;
      readonly heldNow: boolean;
    }
  /** The computer slept, or stood still for a while. */
  | { readonly kind: 'woke-up' }
  /** Names can be looked up again. */
  | { readonly kind: 'names-back' }
  /** Several mail servers were silent: does anything work on this network? */
  | { readonly kind: 'network-in-doubt' }
  /** A hop that mail waits for works again. */
  | { readonly kind: 'hop-works'; readonly hopKey: string }
  /** A gateway has another password or sign-in. */
  | { readonly kind: 'credentials'; readonly gatewayId: string };

/** Why delivery of everything begins; stands in the log. */
export type DeliveryStartReason =
  'start' | 'network' | 'dial-up' | 'settings' | 'names' | 'gateways' | 'woke up' | 'resume' | 'wake';

/** Which of the waiting mail is tried. */
export type MailToTry =
  /** All of it, at once. `gateways`: ids of those that are asked whether they work here; absent = all. */
  | { readonly kind: 'all'; readonly why: DeliveryStartReason; readonly gateways?: readonly string[] }
  /** What is due. */
  | { readonly kind: 'due' }
  /** What waits for this hop. */
  | { readonly kind: 'hop'; readonly hopKey: string }
  /** None: the gateways are only asked whether they work here. */
  | { readonly kind: 'ask-gateways' };

/** Carried out in the order of the fields. */
export interface Reaction {
  /** Attempts under way. `lost-addresses`: those end that are bound to an address which is gone. */
  readonly interrupt: 'none' | 'lost-addresses' | 'all';
  /** Times of next attempts are brought within what the retry schedule allows. */
  readonly limitDelays: boolean;
  /** What is remembered of hops that did not work counts no more. */
  readonly forgetFailures: boolean;
  /** The network is entered among those that are known. */
  readonly noteNetwork: boolean;
  /** The id of a gateway that is signed in to, to see whether it works now. */
  readonly signIn: string | null;
  readonly deliver: MailToTry;
}

const NOTHING_ELSE = {
  interrupt: 'none',
  limitDelays: false,
  forgetFailures: false,
  noteNetwork: false,
  signIn: null,
} as const;

/** What is done about an event. Whether the queue holds is looked at when the reaction is carried out. */
export function reactionTo(event: EnvironmentEvent): Reaction {
  switch (event.kind) {
    case 'links':
      return reactionToLinks(event);
    case 'settings':
      return reactionToSettings(event);
    case 'woke-up':
      return {
        ...NOTHING_ELSE,
        interrupt: 'all',
        limitDelays: true,
        forgetFailures: true,
        deliver: { kind: 'all', why: 'woke up' },
      };
    case 'names-back':
      return { ...NOTHING_ELSE, deliver: { kind: 'all', why: 'names' } };
    case 'network-in-doubt':
      return { ...NOTHING_ELSE, deliver: { kind: 'ask-gateways' } };
    case 'hop-works':
      return { ...NOTHING_ELSE, deliver: { kind: 'hop', hopKey: event.hopKey } };
    case 'credentials':
      return {
        ...NOTHING_ELSE,
        forgetFailures: true,
        signIn: event.gatewayId,
        deliver: { kind: 'all', why: 'gateways' },
      };
    default:
      return assertNever(event);
  }
}

/** True if the network is another one than before, is back, or is gone. */
export function isOtherNetwork({ before, now, otherNetwork }: Extract<EnvironmentEvent, { kind: 'links' }>): boolean {
  return otherNetwork || before.online !== now.online;
}

function reactionToLinks(event: Extract<EnvironmentEvent, { kind: 'links' }>): Reaction {
  const { before, now, settings } = event;
  const moved = isOtherNetwork(event);
  const lostAddress = before.addresses.some((address) => !now.addresses.includes(address));
  return {
    ...NOTHING_ELSE,
    interrupt: moved ? 'all' : lostAddress ? 'lost-addresses' : 'none',
    // Before the log-in other names led to its page than after it.
    forgetFailures: before.portal !== now.portal,
    noteNetwork: moved || before.name !== now.name,
    deliver: mailToTryOn(moved, before, now, settings),
  };
}

function mailToTryOn(
  moved: boolean,
  before: LinkFacts,
  now: LinkFacts,
  settings: Pick<Settings['dialUp'], 'sendOnConnect'>,
): MailToTry {
  const dialled = now.dialUp.some((name) => !before.dialUp.includes(name));
  const onConnect = sendsOnConnect(before.dialUp, now.dialUp, settings);
  // A call that the user does not want used at once: what is due goes, nothing else (spec §7).
  if (dialled && !onConnect) return { kind: 'due' };
  const released = before.held && !now.held;
  if (moved || onConnect || released) return { kind: 'all', why: dialled ? 'dial-up' : 'network' };
  return { kind: 'due' };
}

function reactionToSettings(event: Extract<EnvironmentEvent, { kind: 'settings' }>): Reaction {
  const { before, now, heldBefore, heldNow } = event;
  const effect = settingsEffect(before, now);
  const released = heldBefore && !heldNow;
  // A changed mode or list takes effect for everything in the Outbox (spec §3.5).
  const anew = released || effect.routes;
  return {
    ...NOTHING_ELSE,
    // A shorter schedule counts for what waits by the longer one.
    limitDelays: String(now.connection.retryMinutes) !== String(before.connection.retryMinutes),
    forgetFailures: anew,
    deliver: anew
      ? { kind: 'all', why: 'settings', ...(released ? {} : { gateways: effect.gateways }) }
      : { kind: 'due' },
  };
}
