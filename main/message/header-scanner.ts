/**
 * Reads the header of a message while it comes in: where it ends, how many hops it has seen, whether Date and
 * Message-ID are there, and what to show of it. Linear in its size however it is cut; memory bounded by the limit.
 */

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;

/** Values of the first field of each name, unfolded, as octets read as latin1; null = not there. */
export interface HeaderFacts {
  readonly hops: number;
  readonly date: boolean;
  readonly messageId: string | null;
  readonly subject: string | null;
  readonly from: string | null;
  /** The text begins without any header field: a blank line is needed between our fields and it (standards 26). */
  readonly headless: boolean;
}

type Wanted = 'date' | 'message-id' | 'subject' | 'from';

export class HeaderScanner {
  readonly #limit: number;
  #buffer = Buffer.allocUnsafe(8192);
  #length = 0;
  /** Start of the first line not looked at yet. */
  #line = 0;
  /** Where to look for that line's LF. */
  #search = 0;
  #fields = 0;
  #hops = 0;
  #startsBlank = false;
  #open: Wanted | null = null;
  readonly #found = new Map<Wanted, { start: number; end: number }>();

  /** `limit`: octets of header at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes message octets. 'more': header goes on; 'end': all of it is here (and perhaps some text); 'too-big'. */
  push(part: Uint8Array): 'more' | 'end' | 'too-big' {
    if (this.#length + part.length > this.#buffer.length) {
      const bigger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + part.length));
      this.#buffer.copy(bigger, 0, 0, this.#length);
      this.#buffer = bigger;
    }
    this.#buffer.set(part, this.#length);
    this.#length += part.length;
    for (;;) {
      const lf = this.#indexOfLf();
      if (lf < 0) {
        this.#search = this.#length;
        return this.#length > this.#limit ? 'too-big' : 'more';
      }
      if (lf > this.#limit) return 'too-big';
      if (!this.#look(this.#line, lf)) return 'end';
      this.#line = lf + 1;
      this.#search = lf + 1;
    }
  }

  /** Everything that was pushed, header and whatever text came with it. A view: not to be kept past the next push. */
  octets(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  facts(): HeaderFacts {
    return {
      hops: this.#hops,
      date: this.#found.has('date'),
      messageId: this.#value('message-id'),
      subject: this.#value('subject'),
      from: this.#value('from'),
      headless: this.#fields === 0 && !this.#startsBlank && this.#length > 0,
    };
  }

  #indexOfLf(): number {
    return this.#buffer.subarray(0, this.#length).indexOf(LF, this.#search);
  }

  /** Looks at one line [start, lf]; false if the header is over before or with it. */
  #look(start: number, lf: number): boolean {
    const end = lf > start && this.#buffer[lf - 1] === CR ? lf - 1 : lf;
    if (end === start) {
      this.#startsBlank = start === 0;
      return false;
    }
    const first = this.#buffer[start];
    if (first === SPACE || first === TAB) {
      if (this.#fields === 0) return false;
      const open = this.#open && this.#found.get(this.#open);
      if (open) open.end = end;
      return true;
    }
    this.#open = null;
    let colon = start;
    while (
      colon < end &&
      (this.#buffer[colon] ?? 0) > SPACE &&
      (this.#buffer[colon] ?? 0) < 127 &&
      this.#buffer[colon] !== COLON
    )
      colon++;
    let name = colon;
    while (colon < end && (this.#buffer[colon] === SPACE || this.#buffer[colon] === TAB)) colon++;
    if (colon === start || this.#buffer[colon] !== COLON || colon >= end) {
      // "From bob Mon Jan 1 …": the envelope line of a mailbox file; some programs send it. The fields come behind it.
      if (
        this.#fields === 0 &&
        this.#line === 0 &&
        /^>?From /.test(this.#buffer.toString('latin1', start, Math.min(end, start + 6)))
      )
        return true;
      return false;
    }
    this.#fields++;
    name -= start;
    // Only names of these lengths are wanted: no string is made of the others.
    if (name === 8 || name === 4 || name === 10 || name === 7) {
      const word = this.#buffer.toString('latin1', start, start + name).toLowerCase();
      if (word === 'received') this.#hops++;
      else if (word === 'date' || word === 'message-id' || word === 'subject' || word === 'from') {
        if (!this.#found.has(word)) {
          this.#found.set(word, { start: colon + 1, end });
          this.#open = word;
        }
      }
    }
    return true;
  }

  #value(name: Wanted): string | null {
    const at = this.#found.get(name);
    if (!at) return null;
    // Enough for any display; a subject of a megabyte is not copied.
    return this.#buffer
      .toString('latin1', at.start, Math.min(at.end, at.start + 8192))
      .replace(/\r?\n(?=[ \t])/g, '')
      .trim();
  }
}
