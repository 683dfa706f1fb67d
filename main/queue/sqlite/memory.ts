/** What the program remembers besides mail: addresses that do not exist, networks it was on, memos of its parts. */
import type { InvalidAddress } from '../../../shared/ipc-contract.ts';
import type { Handlers, memory } from '../operations.ts';
import type { Prepare, StoreContext } from './store-context.ts';

const NETWORK_CHANGES_KEPT = 2000;
const INVALID_ADDRESSES_KEPT = 10_000;

/** Carries out the operations on the tables that hold no mail. */
export function memoryHandlers({ prepare }: StoreContext): Handlers<typeof memory> {
  const currentNetwork = (): string | undefined =>
    (
      prepare('SELECT network FROM network_change ORDER BY n DESC LIMIT 1').get() as
        { readonly network: string } | undefined
    )?.network;

  return {
    invalidAddresses() {
      const rows = prepare('SELECT address, reply, at, count FROM invalid_address ORDER BY at DESC, address').all();
      return (rows as InvalidAddress[]).map((row) => ({ ...row }));
    },

    clearInvalidAddresses: () => Number(prepare('DELETE FROM invalid_address').run().changes),

    noteNetwork({ id, name, at }) {
      const before = currentNetwork();
      prepare(
        `INSERT INTO network (id, name, last_seen) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET
          name = coalesce(excluded.name, name), last_seen = excluded.last_seen`,
      ).run(id, name, at);
      if (before === id) return;
      prepare('INSERT INTO network_change (at, network, name) VALUES (?, ?, ?)').run(at, id, name);
      prepare('DELETE FROM network_change WHERE n <= (SELECT max(n) FROM network_change) - ?').run(
        NETWORK_CHANGES_KEPT,
      );
    },

    knownNetworks() {
      const current = currentNetwork();
      const rows = prepare('SELECT id, name, last_seen FROM network ORDER BY last_seen DESC, id').all() as {
        id: string;
        name: string | null;
        last_seen: number;
      }[];
      return rows.map((row) => ({
        id: row.id,
        systemName: row.name,
        givenName: null,
        lastSeen: row.last_seen,
        current: row.id === current,
        directBlocked: false,
      }));
    },

    forgetNetwork(id) {
      prepare('DELETE FROM network WHERE id = ?').run(id);
      prepare('DELETE FROM memo WHERE key = ?').run(`network:${id}`);
    },

    getMemo(key) {
      const row = prepare('SELECT value FROM memo WHERE key = ?').get(key) as { value: string } | undefined;
      return row?.value ?? null;
    },

    setMemo(key, value) {
      if (value === null) prepare('DELETE FROM memo WHERE key = ?').run(key);
      else
        prepare(
          'INSERT INTO memo (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        ).run(key, value);
    },

    tidy(pages) {
      // The answer of the pragma is a row per page; they must be read for it to do its work.
      prepare(`PRAGMA incremental_vacuum(${Math.max(1, Math.floor(pages))})`).all();
      return (prepare('PRAGMA freelist_count').get() as { freelist_count: number }).freelist_count;
    },
  };
}

/** One more time that a server said, in these words, that it does not know this address. */
export function noteInvalidAddress(prepare: Prepare, address: string, reply: string, now: number): void {
  prepare(
    `INSERT INTO invalid_address (address, reply, at, count) VALUES (?, ?, ?, 1)
     ON CONFLICT (address) DO UPDATE SET reply = excluded.reply, at = excluded.at, count = count + 1`,
  ).run(address, reply, now);
}

/** The newest are kept. */
export function trimInvalidAddresses(prepare: Prepare): void {
  prepare(
    `DELETE FROM invalid_address WHERE address IN (SELECT address FROM invalid_address ORDER BY at DESC LIMIT -1 OFFSET ?)`,
  ).run(INVALID_ADDRESSES_KEPT);
}
