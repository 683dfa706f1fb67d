/**
 * One message on its way from the wire into the store: dots removed, header looked at, our fields put in front, nothing
 * else changed (spec §8). Small messages reach the store in one write. Memory is bounded: at most the header limit plus
 * one block. A message that will be refused is forgotten at once; its octets are only counted.
 */
import type { StagedMessage } from '../queue/queue-store.ts';
import { LIMITS, decideMessage } from './accept-policy.ts';
import { DataDecoder } from './data-decoder.ts';
import { HeaderScanner, type HeaderFacts } from '../message/header-scanner.ts';
import type { RefusalName } from './replies.ts';

const BLOCK = 256 * 1024;

export interface MessageFilterOptions {
  readonly staged: StagedMessage;
  readonly maxBytes: number;
  /** The octets to put in front, made when the header is known. */
  readonly prefix: (header: HeaderFacts) => string;
  /** False when so many more octets would fill the disk. */
  readonly mayWrite: (octets: number) => boolean;
}

export class MessageFilter {
  readonly #options: MessageFilterOptions;
  readonly #decoder = new DataDecoder();
  readonly #scanner = new HeaderScanner(LIMITS.header);
  /** Null until the header is complete. */
  #header: HeaderFacts | null = null;
  #blocks: Uint8Array[] = [];
  #held = 0;
  #refused: RefusalName | null = null;
  #error: Error | null = null;
  #aborted = false;
  /** Octets that went to the store. */
  stored = 0;

  constructor(options: MessageFilterOptions) {
    this.#options = options;
  }

  get has8bit(): boolean {
    return this.#decoder.has8bit;
  }
  get octets(): number {
    return this.#decoder.octets;
  }
  /** Null before the header was seen. */
  get header(): HeaderFacts | null {
    return this.#header;
  }
  /** True if the client goes on and on after the limit was passed: no use waiting for its dot. */
  get endless(): boolean {
    return this.#decoder.octets > this.#options.maxBytes * 2 + LIMITS.header;
  }

  /**
   * Takes wire octets. `end`: index behind CRLF.CRLF, -1 if there is more to come; `ready`: wait for it before more is
   * given (null: at once). Errors of the store are kept for `finish`.
   */
  feed(chunk: Uint8Array): { readonly end: number; readonly ready: Promise<void> | null } {
    const end = this.#decoder.decode(chunk, this.#take);
    if (!this.#refused && !this.#error) this.#judge();
    const ready = this.#held >= BLOCK && !this.#refused && !this.#error ? this.#write() : null;
    return { end, ready };
  }

  /** After the final dot: all octets are with the store, or the reason why the message is refused. Throws StoreError. */
  async finish(): Promise<RefusalName | null> {
    if (!this.#header && !this.#refused) this.#closeHeader();
    if (!this.#refused) this.#judge();
    if (!this.#refused && !this.#error && this.#held > 0) await this.#write();
    if (this.#refused) {
      await this.abort();
      return this.#refused;
    }
    if (this.#error) {
      await this.abort();
      throw this.#error;
    }
    return null;
  }

  /** Forgets everything that was stored. Never rejects. */
  async abort(): Promise<void> {
    this.#blocks = [];
    this.#held = 0;
    if (this.#aborted) return;
    this.#aborted = true;
    await this.#options.staged.abort();
  }

  readonly #take = (part: Uint8Array): void => {
    if (this.#refused || this.#error) return;
    if (this.#header) {
      this.#hold(part);
      return;
    }
    const where = this.#scanner.push(part);
    if (where === 'too-big') this.#refuse('headerTooBig');
    else if (where === 'end') this.#closeHeader();
  };

  #closeHeader(): void {
    const header = this.#scanner.facts();
    this.#header = header;
    if (header.hops >= LIMITS.hops) {
      this.#refuse('loop');
      return;
    }
    this.#hold(Buffer.from(this.#options.prefix(header), 'utf8'));
    const octets = this.#scanner.octets();
    if (octets.length > 0) this.#hold(octets);
  }

  #judge(): void {
    const decoder = this.#decoder;
    const name = decideMessage({
      bareNewline: decoder.bareNewline,
      oversize: decoder.octets > this.#options.maxBytes,
      lineTooLong: decoder.longestLine > LIMITS.textLine,
      headerTooBig: false,
      hops: this.#header?.hops ?? 0,
    });
    if (name) this.#refuse(name);
  }

  /** The first fault decides the reply; what was stored is forgotten while the client still sends. */
  #refuse(name: RefusalName): void {
    this.#refused = name;
    void this.abort();
  }

  #hold(part: Uint8Array): void {
    // A client that sends octet by octet must not cost an object each for long.
    if (this.#blocks.length >= 4096) this.#blocks = [Buffer.concat(this.#blocks, this.#held)];
    this.#blocks.push(part);
    this.#held += part.length;
  }

  async #write(): Promise<void> {
    if (!this.#options.mayWrite(this.#held)) {
      this.#refuse('diskNearlyFull');
      return;
    }
    const [first] = this.#blocks;
    const block = first && this.#blocks.length === 1 ? first : Buffer.concat(this.#blocks, this.#held);
    this.#blocks = [];
    this.#held = 0;
    this.stored += block.length;
    try {
      await this.#options.staged.write(block);
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
  }
}
