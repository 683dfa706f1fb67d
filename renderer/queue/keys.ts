/**
 * Where a key takes the keyboard's row. Pure.
 * @param here present row, -1 = none yet
 * @param page rows that PageUp and PageDown skip
 * @param gone the message of that row has left the list (it was deleted): the next one stands there already
 * @returns null if the key moves nothing
 */
export function stepOf(key: string, here: number, total: number, page: number, gone = false): number | null {
  if (total === 0) return null;
  const clamp = (index: number) => Math.max(0, Math.min(total - 1, index));
  switch (key) {
    case 'ArrowDown':
      return clamp(gone ? here : here + 1);
    case 'ArrowUp':
      return clamp(here - 1);
    case 'PageDown':
      return clamp(Math.max(here, 0) + page);
    case 'PageUp':
      return clamp(here - page);
    case 'Home':
      return 0;
    case 'End':
      return total - 1;
    default:
      return null;
  }
}
