/** What a program of a test's own tells on its standard output. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { PATIENCE_MS } from './patience.ts';

/** Lines of JSON as they come. */
export class Lines<T> {
  readonly all: T[] = [];
  #waiting = new Set<() => void>();
  #complaints = '';
  #ended = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.all.push(JSON.parse(line) as T);
      this.#look();
    });
    child.stderr.on('data', (chunk: Buffer) => (this.#complaints += chunk.toString()));
    child.once('close', () => {
      this.#ended = true;
      this.#look();
    });
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Waits for a line, from the `from`-th on. Rejects after `ms`, and when the process has ended. */
  async until(what: string, fits: (line: T) => boolean, ms = PATIENCE_MS, from = 0): Promise<T> {
    await this.when(what, () => this.all.slice(from).some(fits), ms);
    return this.all.slice(from).find(fits)!;
  }

  /** Waits until the lines so far are enough. Rejects as `until` does. */
  when(what: string, enough: () => boolean, ms = PATIENCE_MS): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const finish = (error: Error | null): void => {
        this.#waiting.delete(look);
        clearTimeout(timer);
        if (error === null) resolve();
        else reject(error);
      };
      const look = (): void => {
        if (enough()) finish(null);
        else if (this.#ended) finish(new Error(`ended while waiting for ${what}: ${this.#complaints}`));
      };
      const timer = setTimeout(() => {
        finish(new Error(`not seen: ${what}; last ${JSON.stringify(this.all.slice(-3))} ${this.#complaints}`));
      }, ms);
      this.#waiting.add(look);
      look();
    });
  }
}
