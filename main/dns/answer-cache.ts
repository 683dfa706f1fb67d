/** DNS answers kept for their time to live, each question asked once for all who want it. */
import type { DnsAnswer } from './dns-port.ts';
import type { Clock } from '../runtime/clock.ts';

/** "No such domain" and "no data": RFC 2308 takes it from the SOA record, which Node.js does not show. */
const NEGATIVE_TTL_S = 60;
const MAX_ENTRIES = 10_000;

export interface AnswerCache {
  /**
   * The answer that is kept for a key, or that of a question under way, or of `ask`. Answers of the kind `try-later` are not
   * kept, nor those that were asked for before the last `clear`. Rejects as `ask` does.
   * @param key type and name: "mx example.test"
   */
  get<T>(key: string, ask: () => Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>>;
  /** Forgets every answer for a name. */
  forget(name: string): void;
  /** Forgets everything. Questions under way are answered, and their answers not kept. */
  clear(): void;
  /** Changes with each `clear`. */
  generation(): number;
}

interface Entry {
  readonly answer: DnsAnswer<unknown>;
  /** Monotonic ms. */
  readonly until: number;
}

export function createAnswerCache(clock: Clock): AnswerCache {
  /** In the order of keeping. */
  const entries = new Map<string, Entry>();
  const underWay = new Map<string, Promise<DnsAnswer<unknown>>>();
  let generation = 0;

  const keep = (key: string, answer: Exclude<DnsAnswer<unknown>, { readonly kind: 'try-later' }>): void => {
    const now = clock.monotonic();
    // What has expired is mostly at the front.
    for (const [old, { until }] of entries) {
      if (until > now && entries.size < MAX_ENTRIES) break;
      entries.delete(old);
    }
    entries.delete(key);
    entries.set(key, { answer, until: now + (answer.kind === 'found' ? answer.ttl : NEGATIVE_TTL_S) * 1000 });
  };

  return {
    get<T>(key: string, ask: () => Promise<DnsAnswer<T>>) {
      const known = entries.get(key);
      if (known && known.until > clock.monotonic()) return Promise.resolve(known.answer as DnsAnswer<T>);
      const running = underWay.get(key) as Promise<DnsAnswer<T>> | undefined;
      if (running) return running;
      const asked = generation;
      const question = ask().then((answer) => {
        if (underWay.get(key) === question) underWay.delete(key);
        if (asked === generation && answer.kind !== 'try-later') keep(key, answer);
        return answer;
      });
      underWay.set(key, question);
      return question;
    },
    forget(name) {
      for (const key of [...entries.keys()].filter((each) => each.endsWith(` ${name}`))) entries.delete(key);
    },
    clear() {
      generation++;
      entries.clear();
      underWay.clear();
    },
    generation: () => generation,
  };
}
