/** The library's line splitter with a DATA mode of ours (standards S8, S9) and an eye for what is not SMTP. */
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

/** Takes the octets of DATA. */
export interface DataSink {
  feed(chunk: Uint8Array): { readonly end: number; readonly ready: Promise<void> | null };
  /** Behind the final dot; resolves when the reply is written. Never rejects. */
  done(): Promise<void>;
}

type Next = (error?: Error | null) => void;

export class SessionParser extends SMTPStream {
  /** Called when the first octets are a TLS hello. */
  onForeignProtocol: () => void = () => undefined;
  #sink: DataSink | null = null;
  #begun = false;

  constructor(maxCommandLength: number) {
    super({ maxCommandLength });
  }

  startData(sink: DataSink): void {
    this.#sink = sink;
    this._dataMode = true;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: Next): void {
    if (!this.#begun) {
      this.#begun = true;
      if (chunk[0] === 0x16) {
        this.isClosed = true;
        this.onForeignProtocol();
      }
    }
    super._write(chunk, encoding, next);
  }

  override _feedDataStream(chunk: Buffer, done: Next): void {
    const sink = this.#sink;
    if (!sink) {
      done();
      return;
    }
    const { end, ready } = sink.feed(chunk);
    if (end < 0) {
      if (ready) void ready.then(() => done());
      else done();
      return;
    }
    this._dataMode = false;
    this.#sink = null;
    const finish = async (): Promise<void> => {
      if (ready) await ready;
      await sink.done();
      const rest = chunk.subarray(end);
      if (rest.length > 0) this._write(rest, 'buffer', done);
      else done();
    };
    void finish();
  }

  /** Half a line at the end of the connection is not a command. */
  override _flushData(): void {
    this._remainder = '';
  }
}
