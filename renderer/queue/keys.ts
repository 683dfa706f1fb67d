/**
 * Which row a key moves the focus to. Pure.
 * @param current the focused row, -1 = none yet
 * @param page rows that PageUp and PageDown skip
 * @param isGone its message has left the list (it was deleted) and the next one has taken its place
 * @returns null if the key moves nothing
 */
export function targetRow(key: string, current: number, total: number, page: number, isGone = false): number | null {
  if (total === 0) return null;
  const clamp = (index: number) => Math.max(0, Math.min(total - 1, index));
  switch (key) {
    case 'ArrowDown':
      return clamp(isGone ? current : current + 1);
    case 'ArrowUp':
      return clamp(current - 1);
    case 'PageDown':
      return clamp(Math.max(current, 0) + page);
    case 'PageUp':
      return clamp(current - page);
    case 'Home':
      return 0;
    case 'End':
      return total - 1;
    default:
      return null;
  }
}
