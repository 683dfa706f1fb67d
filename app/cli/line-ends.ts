/** From the text of a local program to a message: every line ends in CRLF; a lone dot may end it. Pure but for its state. */

const CR = 13;
const LF = 10;
const DOT = 46;

/** Give it chunks, take what comes out; `done` once the lone dot was seen. */
export class LineEnds {
  /** The final dot was there: the rest is not part of the message. */
  done = false;
  readonly #dotEnds: boolean;
  #cr = false;
  /** Octets of the present line so far, as far as it matters: 0, only a dot, or more. */
  #line: 'start' | 'dot' | 'more' = 'start';

  /** `dotEnds`: a line with a single dot ends the message (without -i). */
  constructor(dotEnds: boolean) {
    this.#dotEnds = dotEnds;
  }

  /** The octets of the message that this chunk brings. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.done) return new Uint8Array();
    const out = Buffer.allocUnsafe(chunk.length * 2 + 4);
    let length = 0;
    const lineEnd = (): boolean => {
      if (this.#line === 'dot') {
        this.done = true;
        return true;
      }
      out[length++] = CR;
      out[length++] = LF;
      this.#line = 'start';
      return false;
    };
    for (const octet of chunk) {
      if (this.#cr) {
        this.#cr = false;
        if (lineEnd()) break;
        if (octet === LF) continue;
      }
      if (octet === CR) {
        this.#cr = true;
        continue;
      }
      if (octet === LF) {
        if (lineEnd()) break;
        continue;
      }
      if (this.#line === 'start' && octet === DOT && this.#dotEnds) {
        this.#line = 'dot'; // held back until it is known whether it stands alone
        continue;
      }
      if (this.#line === 'dot') out[length++] = DOT;
      this.#line = 'more';
      out[length++] = octet;
    }
    return out.subarray(0, length);
  }

  /** What is left at the end of input: the last line gets its end. */
  finish(): Uint8Array {
    if (this.done) return new Uint8Array();
    if (this.#line === 'dot') {
      this.done = true;
      return new Uint8Array();
    }
    const needed = this.#cr || this.#line === 'more';
    this.#cr = false;
    this.#line = 'start';
    return needed ? Uint8Array.of(CR, LF) : new Uint8Array();
  }
}
