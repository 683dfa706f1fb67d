/** What decides where mail may go at a moment, as the specification has it; the soak's own reading of it. */
import type { GatewayMode } from '../../shared/settings.ts';
import { LISTED, type DnsMood } from './internet.ts';

/** A gateway as far as it matters for who may use it. */
export interface GatewayTerms {
  readonly id: string;
  readonly enabled: boolean;
  /** Names of networks; empty = everywhere. */
  readonly networks: readonly string[];
  /** Domains of senders; empty = everybody. */
  readonly senders: readonly string[];
}

/** Everything that decides where mail may go at a moment. */
export interface Conditions {
  readonly mode: GatewayMode;
  readonly gateways: readonly GatewayTerms[];
  /** Name of the network; null = none. */
  readonly network: string | null;
  readonly portal: boolean;
  readonly paused: boolean;
  readonly dialUpRequired: boolean;
  readonly dialUpActive: boolean;
  /** False: the settings file holds something that cannot be read, and nobody has said what holds instead. */
  readonly readable: boolean;
  readonly resolver: DnsMood;
  readonly limit: { readonly value: number; readonly unit: 'days' | 'hours' | 'attempts' };
  readonly returnUndeliverable: boolean;
}

/** Nothing may be sent, by whatever way (spec §4.3, §7). */
export function holds(c: Conditions): boolean {
  return c.paused || c.network === null || c.portal || (c.dialUpRequired && !c.dialUpActive);
}

/** spec §3.5. */
export function mayGoDirect(c: Conditions, domain: string): boolean {
  if (!c.readable || holds(c)) return false;
  return c.mode !== 'always' && !(c.mode === 'domains' && domain === LISTED);
}

/** @param chosen the user sent it through this very gateway */
export function mayUseGateway(
  c: Conditions,
  id: string,
  domain: string,
  sender: string | null,
  chosen: boolean,
): boolean {
  const gateway = c.gateways.find((g) => g.id === id);
  if (!c.readable || holds(c) || gateway?.enabled !== true) return false;
  if (chosen) return true;
  if (gateway.networks.length > 0 && (c.network === null || !gateway.networks.includes(c.network))) return false;
  if (
    gateway.senders.length > 0 &&
    (sender === null || !gateway.senders.includes(sender.slice(sender.indexOf('@') + 1)))
  )
    return false;
  return c.mode !== 'never' && (c.mode !== 'domains' || domain === LISTED);
}

/** Whether it is for some networks or senders only. */
export function isLimited(c: Conditions, id: string): boolean {
  const gateway = c.gateways.find((g) => g.id === id);
  return gateway === undefined || gateway.networks.length > 0 || gateway.senders.length > 0;
}
