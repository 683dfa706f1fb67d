/** A name for a file out of something that a stranger wrote. Pure. */

/** Windows knows these as devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;

/**
 * A single path component that every platform takes: no separators, control characters, direction marks, leading dots or
 * trailing dots and blanks; at most 120 characters, the ending kept. `fallback` if nothing is left.
 */
export function safeFileName(name: string, fallback: string): string {
  const clean = name
    // eslint-disable-next-line no-control-regex -- control characters are what is removed
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replaceAll(/[\\/:*?"<>|]/g, '_')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  const short = shorten(clean);
  if (short === '') return fallback;
  return DEVICE.test(short) ? `_${short}` : short;
}

function shorten(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= 120) return name;
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  return `${characters.slice(0, 120 - ending.length).join('')}${ending}`;
}
