// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- every project that reaches this file needs the words
/// <reference path="./mailauth.d.ts" />
/**
 * DKIM (RFC 6376): keys made in the program, the DNS record to publish, and the signature in front of what goes out.
 * Signing itself is mailauth's; it is loaded on first use only.
 */
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { DkimRecord } from '../../../shared/ipc-contract.ts';
import { fail, ok, type Result } from '../../../shared/result.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { OutgoingMessage } from '../../delivery/delivery-port.ts';
import { canonicalDomain } from '../../policy/domain-match.ts';
import type { Log } from '../../log/log-port.ts';
import type { ClaimedMessage, MessageReader } from '../../queue/queue-store.ts';
import type { SecretStore } from '../secret-store.ts';

/** Name of a private key in the secret store. */
export function dkimKeyName(domain: string, selector: string): string {
  return `dkim:${domain.toLowerCase()}:${selector.toLowerCase()}`;
}

function recordOf(privateKeyPem: string, domain: string, selector: string): DkimRecord {
  const spki = createPublicKey(createPrivateKey(privateKeyPem)).export({ type: 'spki', format: 'der' });
  return { name: `${selector}._domainkey.${domain}`, value: `v=DKIM1; k=rsa; p=${spki.toString('base64')}` };
}

/** Makes an RSA 2048 key (RFC 8301 §3.2), keeps it with the secrets and says what to publish. An existing key stays. */
export async function makeDkimKey(
  secrets: Pick<SecretStore, 'get' | 'set' | 'has'>,
  domain: string,
  selector: string,
): Promise<Result<DkimRecord>> {
  const known = await secrets.get(dkimKeyName(domain, selector));
  if (known !== null) return ok(recordOf(known, domain, selector));
  // The published record belongs to the key that is there, and a key store may be unlocked again.
  if (secrets.has(dkimKeyName(domain, selector)))
    return fail('key-unreadable', 'There is a key already, but it cannot be read now.', 'selector');
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  // A signing key is of use to nobody without the domain's DNS; without a key store it is kept obfuscated.
  await secrets.set(dkimKeyName(domain, selector), privateKey, { acceptObfuscated: true });
  return ok(recordOf(privateKey, domain, selector));
}

/**
 * The change of the settings that puts a key to use; null: they name it already. A receiver that does not find the record
 * yet takes the signature for none (RFC 6376 §6.1.2), so there is nothing to wait for.
 */
export function newDkimLine(
  settings: Settings,
  domain: string,
  selector: string,
): { readonly path: string; readonly value: unknown } | null {
  const { dkim } = settings.security;
  const name = dkimKeyName(domain, selector);
  if (dkim.some((key) => dkimKeyName(key.domain, key.selector) === name)) return null;
  return { path: 'security.dkim', value: [...dkim, { domain, selector, enabled: true }] };
}

/** The record of a key that was made before. */
export async function dkimRecord(
  secrets: Pick<SecretStore, 'get' | 'has'>,
  domain: string,
  selector: string,
): Promise<Result<DkimRecord>> {
  const known = await secrets.get(dkimKeyName(domain, selector));
  if (known === null && secrets.has(dkimKeyName(domain, selector)))
    return fail('key-unreadable', 'The key cannot be read now.', 'selector');
  return known === null
    ? fail('not-found', 'There is no key for this domain and selector yet.', 'selector')
    : ok(recordOf(known, domain, selector));
}

/** The domain whose key signs: that of the From header's address, else of the reverse-path. */
function signingDomain(message: { readonly mailFrom: string | null }, header: string): string | null {
  const from =
    /^from:(?:[^\r\n]|\r\n[ \t])*?@([^\s<>@,;"()]+)/im.exec(header)?.[1] ?? message.mailFrom?.split('@').at(-1);
  return from === undefined ? null : from.toLowerCase();
}

const HEADER_OCTETS = 64 * 1024;

/**
 * How claimed messages become octets to send: as stored, with a signature in front if a key is configured for the
 * sender's domain. A signature that cannot be made never stops the mail: it goes unsigned, and the log says so.
 */
export function createOutgoing(
  store: MessageReader,
  secrets: Pick<SecretStore, 'get'>,
  settings: () => Settings,
  log: Pick<Log, 'problem'>,
): (message: ClaimedMessage) => Promise<OutgoingMessage> {
  async function* octets({ id, bytes }: ClaimedMessage): AsyncGenerator<Uint8Array, void> {
    if (bytes === undefined) yield* store.read(id);
    else yield bytes;
  }

  return async (message) => {
    const plain: OutgoingMessage = {
      id: message.id,
      mailFrom: message.mailFrom,
      size: message.size,
      dsn: message.dsn,
      body8bit: message.body8bit,
      smtputf8: message.smtputf8,
      read: () => octets(message),
    };
    const keys = settings().security.dkim.filter((k) => k.enabled);
    if (keys.length === 0) return plain;
    try {
      const head = Buffer.from(await store.head(message.id, HEADER_OCTETS)).toString('latin1');
      const domain = signingDomain(message, head.split('\r\n\r\n')[0] ?? '');
      const key = domain === null ? undefined : keys.find((k) => canonicalDomain(k.domain) === canonicalDomain(domain));
      if (!key) return plain;
      const privateKey = await secrets.get(dkimKeyName(key.domain, key.selector));
      if (privateKey === null) throw new Error(`the DKIM key of ${key.domain} cannot be read`);
      const { dkimSign } = await import('mailauth/lib/dkim/sign.js');
      const { signatures, errors } = await dkimSign(Readable.from(octets(message)), {
        canonicalization: 'relaxed/relaxed',
        signTime: new Date(message.acceptedAt),
        signatureData: [{ signingDomain: key.domain, selector: key.selector, privateKey, algorithm: 'rsa-sha256' }],
      });
      if (errors.length > 0 || !signatures.startsWith('DKIM-Signature:')) throw new Error('no signature could be made');
      const prefix = new TextEncoder().encode(signatures);
      return {
        ...plain,
        size: message.size + prefix.length,
        read: async function* () {
          yield prefix;
          yield* octets(message);
        },
      };
    } catch (error) {
      log.problem('dkim', error);
      return plain;
    }
  };
}
