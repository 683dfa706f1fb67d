/** Where a message stands in a list, for showing one that was asked for by its id. */
import type { Bridge, Input } from '../../shared/ipc-contract.ts';

const PAGE = 1000;
/** A message that lies deeper than this is opened without scrolling to it. */
const MOST = 50_000;

/** @returns its index under `view`, null if it is not found in reasonable time */
export async function findRow(
  bridge: Bridge,
  view: Omit<Input<'queue.list'>, 'offset' | 'limit'>,
  id: string,
): Promise<number | null> {
  for (let offset = 0; offset < MOST; offset += PAGE) {
    const result = await bridge.call('queue.list', { ...view, offset, limit: PAGE });
    if (!result.ok) return null;
    const at = result.value.rows.findIndex((row) => row.id === id);
    if (at >= 0) return offset + at;
    if (offset + result.value.rows.length >= result.value.total || result.value.rows.length === 0) return null;
  }
  return null;
}
