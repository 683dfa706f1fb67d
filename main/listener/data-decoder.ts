/**
 * Octets of DATA as they come off the wire -> octets of the message (RFC 5321 §4.5.2). A state machine of its own,
 * because npm smtp-server leaves the dot in ".x" and lets bare CR and LF through (standards S8, S9). Only CRLF.CRLF
 * ends a message, wherever the network cut the octets. Holds no octets between calls.
 */

const CR = 13;
const LF = 10;
const DOT = 46;

/** After CRLF (or at the very start) · inside a line · after CR · after a dot that began a line · after CRLF "." CR. */
type State = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr';

export interface DecoderFacts {
  /** Octets of the message so far: dots removed, final dot not counted. */
  readonly octets: number;
  readonly bareNewline: boolean;
  readonly has8bit: boolean;
  /** Longest line so far without its CRLF. */
  readonly longestLine: number;
}

export class DataDecoder implements DecoderFacts {
  octets = 0;
  bareNewline = false;
  has8bit = false;
  longestLine = 0;
  #state: State = 'line-start';
  #line = 0;

  /**
   * Takes a chunk and hands its message octets to `emit` (views into `chunk`, in order). Returns the index behind the
   * final CRLF.CRLF, or -1 if the message goes on. After a bare CR or LF the octets mean nothing any more: the message
   * will be refused.
   */
  decode(chunk: Uint8Array, emit: (part: Uint8Array) => void): number {
    const length = chunk.length;
    let from = 0; // first octet not emitted
    let state = this.#state;
    let line = this.#line;
    let high = 0;
    let i = 0;
    let end = -1;
    const flush = (to: number): void => {
      if (to > from) {
        this.octets += to - from;
        emit(chunk.subarray(from, to));
      }
    };
    for (; i < length; i++) {
      const octet = chunk[i] ?? 0;
      if (state === 'text') {
        if (octet !== CR && octet !== LF) {
          high |= octet;
          line++;
          continue;
        }
      } else if (state === 'line-start') {
        if (octet === DOT) {
          flush(i);
          from = i + 1;
          state = 'dot';
          continue;
        }
      } else if (state === 'cr') {
        if (octet === LF) {
          if (line > this.longestLine) this.longestLine = line;
          line = 0;
          state = 'line-start';
          continue;
        }
        this.bareNewline = true;
      } else if (state === 'dot') {
        if (octet === CR) {
          // Held back: it belongs to the message only if no LF follows, and then the message is refused.
          from = i + 1;
          state = 'dot-cr';
          continue;
        }
      } else {
        if (octet === LF) {
          from = i + 1;
          end = i + 1;
          break;
        }
        this.bareNewline = true;
      }
      if (octet === CR) state = 'cr';
      else {
        if (octet === LF) this.bareNewline = true;
        high |= octet;
        line++;
        state = 'text';
      }
    }
    if (end < 0) flush(length);
    if (high > 127) this.has8bit = true;
    if (line > this.longestLine) this.longestLine = line;
    this.#state = state;
    this.#line = line;
    return end;
  }
}
