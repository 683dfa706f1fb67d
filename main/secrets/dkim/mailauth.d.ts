/** The one function of mailauth that is used; its own declarations cover the package's entry only. */
declare module 'mailauth/lib/dkim/sign.js' {
  import type { Readable } from 'node:stream';
  export function dkimSign(
    input: Readable,
    options: {
      readonly canonicalization: string;
      readonly signTime: Date;
      readonly signatureData: {
        readonly signingDomain: string;
        readonly selector: string;
        readonly privateKey: string;
        readonly algorithm: string;
      }[];
    },
  ): Promise<{ readonly signatures: string; readonly errors: readonly unknown[] }>;
}
