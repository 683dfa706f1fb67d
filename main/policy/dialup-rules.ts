/** Dial-up (spec §7): which links count, when to dial, when to hang up. Times in milliseconds. */
import type { Settings } from '../../shared/settings.ts';
import type { Link } from '../../shared/status.ts';

type DialUpSettings = Settings['dialUp'];

const MINUTE_MS = 60_000;
/** Mail that is due this soon keeps the connection: dialling again would cost more. */
export const STAY_CONNECTED_MS = 2 * MINUTE_MS;

/** PPP and mobile broadband, and whatever the user named: a connection, an SSID, an interface. Case is ignored. */
export function isDialUp(link: Link, named: readonly string[]): boolean {
  if (link.kind === 'ppp' || link.kind === 'mobile') return true;
  const names = [link.name, link.device].map((name) => name?.toLowerCase());
  return named.some((name) => names.includes(name.toLowerCase()));
}

/** Names of the dial-up connections that are up. */
export function activeDialUp(links: readonly Link[], settings: Pick<DialUpSettings, 'connections'>): readonly string[] {
  return links.filter((link) => isDialUp(link, settings.connections)).map((link) => link.name ?? link.device);
}

/** True if a dial-up connection was established just now and waiting mail is to go at once. */
export function sendsOnConnect(
  before: readonly string[],
  after: readonly string[],
  settings: Pick<DialUpSettings, 'sendOnConnect'>,
): boolean {
  return settings.sendOnConnect && after.some((name) => !before.includes(name));
}

export interface DialUpFacts {
  readonly settings: DialUpSettings;
  readonly now: number;
  /** A link of any kind leads off this computer. */
  readonly online: boolean;
  readonly paused: boolean;
  /** Dial-up connections that are up. */
  readonly active: readonly string[];
  /** Connections that the system could dial. */
  readonly configured: readonly string[];
  /** Recipients that wait for their turn, due or not. */
  readonly waiting: number;
  /** Recipients in flight. */
  readonly sending: number;
  /** Earliest next attempt of a waiting recipient, null if none waits. */
  readonly nextDueAt: number | null;
  /** When we dialled last, whatever came of it; null = never. */
  readonly lastDialAt: number | null;
  /** The connection that we dialled and that is ours to end; null if it was the user's doing. */
  readonly dialled: string | null;
  /** We are dialling or hanging up right now. */
  readonly busy: boolean;
}

export type DialUpAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'dial'; readonly name: string }
  /** Mail waits, but we dialled a short while ago. */
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'hang-up'; readonly name: string };

/**
 * What to do about dial-up now. Dials when mail waits and no dial-up connection is up, at most every N minutes, and only
 * where mail has no other way (offline, or dial-up is required). Hangs up what we dialled ourselves, never the user's own call.
 */
export function nextDialUpAction(facts: DialUpFacts): DialUpAction {
  const { settings, now, busy } = facts;
  if (busy) return { kind: 'none' };
  if (facts.active.length > 0) return hangUp(facts);
  if (!settings.dial || facts.paused || facts.waiting === 0 || facts.sending > 0) return { kind: 'none' };
  if (facts.online && !settings.requireConnection) return { kind: 'none' };
  const name = settings.connections.find((wanted) => facts.configured.includes(wanted)) ?? facts.configured[0];
  if (name === undefined) return { kind: 'none' };
  const every = settings.dialEveryMinutes * MINUTE_MS;
  // A last time in the future means that the clock was set back since: it is ignored.
  const until = facts.lastDialAt === null || facts.lastDialAt > now ? now : facts.lastDialAt + every;
  return until > now ? { kind: 'wait', until } : { kind: 'dial', name };
}

function hangUp({ settings, dialled, active, sending, waiting, nextDueAt, now, paused }: DialUpFacts): DialUpAction {
  if (!settings.hangUp || dialled === null || !active.includes(dialled) || sending > 0) return { kind: 'none' };
  const soon = !paused && waiting > 0 && nextDueAt !== null && nextDueAt - now < STAY_CONNECTED_MS;
  return soon ? { kind: 'none' } : { kind: 'hang-up', name: dialled };
}
