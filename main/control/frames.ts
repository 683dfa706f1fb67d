/**
 * The framing of the control socket: one JSON value a line, UTF-8, ended by LF. Plain Node and small, since the command
 * line carries it too.
 */

/** A line longer than this is not a request of ours: settings.import takes 16 MiB of text, which JSON may escape. */
export const MAX_FRAME_BYTES = 36 * 1024 * 1024;

/** What a client asks. `id` comes back with the answer. */
export interface ControlRequest {
  readonly id: number;
  readonly method: string;
  readonly input: unknown;
}

/** One frame as it goes over the wire. JSON never holds a bare LF, so the frame cannot be cut in two. */
export function encodeFrame(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Cuts a stream of octets into lines. */
export class LineReader {
  #parts: Buffer[] = [];
  #length = 0;
  readonly #limit: number;

  /** `limit`: the longest line in octets. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that `chunk` completes, or `'too-long'`: the connection is of no use any more. */
  push(chunk: Buffer): readonly string[] | 'too-long' {
    const lines: string[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      const piece = rest.subarray(0, end);
      if (this.#length + piece.length > this.#limit) return 'too-long';
      lines.push(Buffer.concat([...this.#parts, piece]).toString('utf8'));
      this.#parts = [];
      this.#length = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) {
      this.#parts.push(rest);
      this.#length += rest.length;
      if (this.#length > this.#limit) return 'too-long';
    }
    return lines;
  }
}

/** Takes a line apart; null if it is not a request. */
export function parseRequest(line: string): ControlRequest | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { id, method, input } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || typeof method !== 'string') return null;
  return { id, method, input: input ?? {} };
}
