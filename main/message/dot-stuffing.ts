/**
 * Message octets made fit for DATA (RFC 5321 §4.5.2): a dot in front of a line's leading dot, the line with the single
 * dot at the end. Bare CR and LF never leave us: each becomes CRLF (the listener refuses them, so this is a last guard
 * against smuggling). Everything else passes octet by octet. Pure, but for the state between chunks.
 */
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
/** Before the first octet: a line begins. */
const START = -1;

const ENDS = {
  afterLine: Buffer.from('.\r\n'),
  afterCr: Buffer.from('\n.\r\n'),
  inLine: Buffer.from('\r\n.\r\n'),
} as const;

/** One message on its way out; make a new one for each transaction. */
export interface DotStuffer {
  /** The chunk as it is to be sent; the same memory where nothing had to change. */
  encode(chunk: Uint8Array): Uint8Array;
  /** What ends the message: closes an unfinished line, then the line with the dot. */
  end(): Uint8Array;
}

/** Starts a message. */
export function createDotStuffer(): DotStuffer {
  let previous = START;
  return {
    encode(chunk) {
      const out: { octets: Uint8Array | null } = { octets: null };
      let written = 0;
      let copied = 0;
      const insert = (at: number, ...octets: readonly number[]): void => {
        // Worst case: every octet needs two more.
        const octetsOut = (out.octets ??= Buffer.allocUnsafe(chunk.length * 3));
        octetsOut.set(chunk.subarray(copied, at), written);
        written += at - copied;
        copied = at;
        for (const octet of octets) octetsOut[written++] = octet;
      };
      for (let i = 0; i < chunk.length; i++) {
        const octet = chunk[i] ?? 0;
        if (previous === CR && octet !== LF) {
          if (octet === DOT) insert(i, LF, DOT);
          else insert(i, LF);
        } else if (octet === LF) {
          if (previous !== CR) insert(i, CR);
        } else if (octet === DOT && (previous === LF || previous === START)) insert(i, DOT);
        previous = octet;
      }
      if (out.octets === null) return chunk;
      insert(chunk.length);
      return out.octets.subarray(0, written);
    },
    end: () => (previous === LF || previous === START ? ENDS.afterLine : previous === CR ? ENDS.afterCr : ENDS.inLine),
  };
}
