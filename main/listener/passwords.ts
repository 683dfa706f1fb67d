/** Passwords of the listener's users: made into scrypt hashes, compared in constant time. */
import { createHmac, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';

const COST = { N: 16384, r: 8, p: 1 } as const;
const KEY_LENGTH = 32;

/** "scrypt$N$r$p$salt$key", salt and key in base64: what `server.users[].hash` holds. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, KEY_LENGTH, COST);
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** False for a wrong password and for a hash that cannot be read. Rejects only when memory runs out. */
export async function checkPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parseHash(hash);
  if (!parsed) {
    await derive(password, DUMMY_SALT, KEY_LENGTH, COST); // as slow as a real one
    return false;
  }
  const key = await derive(password, parsed.salt, parsed.key.length, parsed.cost);
  return timingSafeEqual(key, parsed.key);
}

export interface PasswordChecker {
  /** True if `password` is the one that `hash` was made of. `hash` undefined (unknown user): false, as slowly. */
  check(password: string, hash: string | undefined): Promise<boolean>;
}

/**
 * Checks passwords and remembers those that were right, as keyed digests under a key of this run: mail programs sign in
 * anew for every message, and scrypt is slow on purpose.
 */
export function createPasswordChecker(): PasswordChecker {
  const runKey = randomBytes(32);
  const known = new Map<string, Buffer>();
  return {
    async check(password, hash) {
      const digest = createHmac('sha256', runKey)
        .update(`${hash ?? ''}\0${password}`)
        .digest();
      const remembered = hash === undefined ? undefined : known.get(hash);
      if (remembered && timingSafeEqual(remembered, digest)) return true;
      const right = await checkPassword(password, hash ?? '');
      if (right && hash !== undefined) {
        if (known.size >= 1000) known.clear();
        known.set(hash, digest);
      }
      return right;
    },
  };
}

const DUMMY_SALT = Buffer.alloc(16);

interface ParsedHash {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Buffer;
  readonly key: Buffer;
}

function parseHash(hash: string): ParsedHash | null {
  const [kind, n, r, p, salt, key, more] = hash.split('$');
  if (kind !== 'scrypt' || salt === undefined || key === undefined || more !== undefined) return null;
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  const bytes = Buffer.from(key, 'base64');
  // A settings file must not make one sign-in eat the memory: at most 128 MB.
  const sane =
    Number.isInteger(Math.log2(cost.N)) &&
    cost.N >= 2 &&
    cost.r >= 1 &&
    cost.p >= 1 &&
    cost.p <= 16 &&
    cost.N * cost.r <= 1024 ** 2;
  if (!sane || bytes.length < 16 || bytes.length > 64) return null;
  return { cost, salt: Buffer.from(salt, 'base64'), key: bytes };
}

function derive(password: string, salt: Buffer, length: number, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, length, { ...cost, maxmem: 160 * 1024 ** 2 }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
