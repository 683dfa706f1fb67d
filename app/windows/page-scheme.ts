/** Where our pages come from; nothing else may call. */
export const PAGE_SCHEME = 'postcast';
export const PAGE_ORIGIN = `${PAGE_SCHEME}://app`;
