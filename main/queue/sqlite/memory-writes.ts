/** What the program remembers besides mail: addresses that do not exist, networks it was on, memos of its parts. */
import type { Prepare } from './queue-reads.ts';
import type { OpInput } from '../store-protocol.ts';

const NETWORK_CHANGES_KEPT = 2000;
const INVALID_ADDRESSES_KEPT = 10_000;

/** Writes into the tables that hold no mail. */
export function createMemoryWrites(prepare: Prepare) {
  return {
    /** One more time that a server said, in these words, that it does not know this address. */
    noteInvalidAddress(address: string, reply: string, now: number): void {
      prepare(
        `INSERT INTO invalid_address (address, reply, at, count) VALUES (?, ?, ?, 1)
         ON CONFLICT (address) DO UPDATE SET reply = excluded.reply, at = excluded.at, count = count + 1`,
      ).run(address, reply, now);
    },

    /** The newest are kept. */
    trimInvalidAddresses(): void {
      prepare(
        `DELETE FROM invalid_address WHERE address IN (SELECT address FROM invalid_address ORDER BY at DESC LIMIT -1 OFFSET ?)`,
      ).run(INVALID_ADDRESSES_KEPT);
    },

    clearInvalidAddresses(_: null): number {
      return Number(prepare('DELETE FROM invalid_address').run().changes);
    },

    noteNetwork({ id, name, at }: OpInput<'noteNetwork'>): null {
      const last = prepare('SELECT network FROM network_change ORDER BY n DESC LIMIT 1').get() as
        { network: string } | undefined;
      prepare(
        `INSERT INTO network (id, name, last_seen) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET
          name = coalesce(excluded.name, name), last_seen = excluded.last_seen`,
      ).run(id, name, at);
      if (last?.network !== id) {
        prepare('INSERT INTO network_change (at, network, name) VALUES (?, ?, ?)').run(at, id, name);
        prepare('DELETE FROM network_change WHERE n <= (SELECT max(n) FROM network_change) - ?').run(
          NETWORK_CHANGES_KEPT,
        );
      }
      return null;
    },

    forgetNetwork({ id }: OpInput<'forgetNetwork'>): null {
      prepare('DELETE FROM network WHERE id = ?').run(id);
      prepare('DELETE FROM memo WHERE key = ?').run(`network:${id}`);
      return null;
    },

    setMemo({ key, value }: OpInput<'setMemo'>): null {
      if (value === null) prepare('DELETE FROM memo WHERE key = ?').run(key);
      else
        prepare(
          'INSERT INTO memo (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        ).run(key, value);
      return null;
    },
  };
}
