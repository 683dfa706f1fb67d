/** The user's order of the gateways and what the page changes in it. Pure. */
import { gatewaySchema, PRIORITIES, type GatewaySettings, type Priority } from '../../../shared/settings.ts';

type List = readonly GatewaySettings[];

/** As they are used: by priority, then in the user's order (spec §3.1). */
export function byPriority(list: List): List {
  return PRIORITIES.flatMap((priority) => list.filter((gateway) => gateway.priority === priority));
}

/** A new priority; the gateway goes to the end of its new neighbours. */
export function withPriority(list: List, id: string, priority: Priority): List {
  const gateway = list.find((one) => one.id === id);
  if (gateway === undefined || gateway.priority === priority) return list;
  return byPriority([...list.filter((one) => one.id !== id), { ...gateway, priority }]);
}

/** True if the gateway has a neighbour of its own priority on that side. */
export function canMove(list: List, id: string, by: -1 | 1): boolean {
  const ordered = byPriority(list);
  const at = ordered.findIndex((one) => one.id === id);
  return at >= 0 && ordered[at]?.priority === ordered[at + by]?.priority;
}

/** One place up or down within the priority; the same list if there is no such place. */
export function moveBy(list: List, id: string, by: -1 | 1): List {
  if (!canMove(list, id, by)) return list;
  const ordered = [...byPriority(list)];
  const at = ordered.findIndex((one) => one.id === id);
  const [gateway] = ordered.splice(at, 1);
  if (gateway !== undefined) ordered.splice(at + by, 0, gateway);
  return ordered;
}

/** Dropped on another gateway: takes its place and, if it differs, its priority. */
export function moveTo(list: List, id: string, target: string): List {
  const ordered = [...byPriority(list)];
  const from = ordered.findIndex((one) => one.id === id);
  const to = ordered.findIndex((one) => one.id === target);
  const gateway = ordered[from];
  const other = ordered[to];
  if (from === to || gateway === undefined || other === undefined) return list;
  ordered.splice(from, 1);
  ordered.splice(to, 0, { ...gateway, priority: other.priority });
  return ordered;
}

/** The list with this gateway in the place of the one with its id, or at the end. */
export function withGateway(list: List, gateway: GatewaySettings): List {
  const isKnown = list.some((one) => one.id === gateway.id);
  return isKnown ? list.map((one) => (one.id === gateway.id ? gateway : one)) : [...list, gateway];
}

/** A gateway to be filled in, with an id that none has yet. */
export function blankGateway(list: List): GatewaySettings {
  const id = newId(list, () => `gw-${crypto.randomUUID().slice(0, 8)}`);
  return { ...gatewaySchema.parse({ id, name: '-', host: 'x.invalid' }), name: '', host: '', auth: 'password' };
}

/** An id that no gateway has yet. */
export function newId(list: List, random: () => string): string {
  let id = random();
  while (list.some((one) => one.id === id)) id = random();
  return id;
}
