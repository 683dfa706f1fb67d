/** The one function that is used of `punycode.js` (RFC 3492), which brings no types. */
declare module 'punycode.js' {
  /** Labels beyond ASCII become `xn--…`; the rest stays. Throws a RangeError on overflow. */
  export function toASCII(domain: string): string;
}
