/** ESMTP parameters of MAIL and RCPT (standards 7, 13, 15–17). Pure. */
import type { MessageDsn, RecipientDsn } from '../../shared/mail.ts';
import { decodeXtext } from '../message/xtext.ts';
import type { RefusalName } from './replies.ts';

export interface MailParameters {
  /** Announced octets, null if not given. */
  readonly size: number | null;
  readonly smtputf8: boolean;
  readonly dsn: MessageDsn;
}

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: RefusalName };

const NO_DSN: MessageDsn = {};
const NO_PARAMETERS: Parsed<MailParameters> = { ok: true, value: { size: null, smtputf8: false, dsn: NO_DSN } };
const NO_RECIPIENT_DSN: Parsed<RecipientDsn> = { ok: true, value: {} };

const MAIL_KEYWORDS: ReadonlySet<string> = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'AUTH']);
const RCPT_KEYWORDS: ReadonlySet<string> = new Set(['NOTIFY', 'ORCPT']);
const NOTIFY_WORDS = ['never', 'success', 'failure', 'delay'] as const;
type NotifyWord = (typeof NOTIFY_WORDS)[number];

/** RFC 3461 §4.4, §4.2: longest ENVID and ORCPT, in octets as sent. */
export const MAX_ENVID = 100;
export const MAX_ORCPT = 500;

/** Parses the parameters of MAIL. `maxBytes`: the SIZE that was announced. */
export function parseMailParameters(words: readonly string[], maxBytes: number): Parsed<MailParameters> {
  if (words.length === 0) return NO_PARAMETERS;
  const split = splitParameters(words, MAIL_KEYWORDS);
  if (!split.ok) return split;
  const given = split.value;
  let size: number | null = null;
  let dsn: MessageDsn = NO_DSN;

  const sizeText = given.get('SIZE');
  if (sizeText !== undefined) {
    if (sizeText === null || !/^\d{1,20}$/.test(sizeText)) return bad('badParameter'); // RFC 1870 §6.1
    size = Number(sizeText);
  }
  const body = given.get('BODY');
  if (body !== undefined && (body === null || !/^(7bit|8bitmime)$/i.test(body))) return bad('badParameter'); // RFC 6152
  const utf8 = given.get('SMTPUTF8');
  if (typeof utf8 === 'string') return bad('badParameter'); // RFC 6531 §3.4: takes no value
  const ret = given.get('RET');
  if (ret !== undefined) {
    if (ret === null || !/^(full|hdrs)$/i.test(ret)) return bad('badParameter');
    dsn = { ...dsn, ret: ret.toLowerCase() as 'full' | 'hdrs' };
  }
  const envid = given.get('ENVID');
  if (envid !== undefined) {
    const decoded = envid === null || envid.length > MAX_ENVID ? null : decodeXtext(envid);
    if (!decoded) return bad('badParameter');
    dsn = { ...dsn, envid: decoded };
  }
  // RFC 4954 §5: a server that offers AUTH accepts the parameter; it is not passed on, so it is checked and dropped.
  const auth = given.get('AUTH');
  if (auth !== undefined && (auth === null || decodeXtext(auth) === null)) return bad('badParameter');
  if (size !== null && size > maxBytes) return bad('declaredTooBig');
  return { ok: true, value: { size, smtputf8: utf8 === null, dsn } };
}

/** Parses the parameters of RCPT. */
export function parseRcptParameters(words: readonly string[], smtputf8: boolean): Parsed<RecipientDsn> {
  if (words.length === 0) return NO_RECIPIENT_DSN;
  const split = splitParameters(words, RCPT_KEYWORDS);
  if (!split.ok) return split;
  let dsn: RecipientDsn = {};
  const notify = split.value.get('NOTIFY');
  if (notify !== undefined) {
    if (notify === null) return bad('badParameter');
    const list = notify.toLowerCase().split(',');
    if (!list.every(isNotifyWord)) return bad('badParameter');
    if (list.includes('never') && list.length > 1) return bad('badParameter'); // RFC 3461 §4.1
    dsn = { ...dsn, notify: [...new Set(list)] };
  }
  const orcpt = split.value.get('ORCPT');
  if (orcpt !== undefined) {
    if (orcpt === null || Buffer.byteLength(orcpt) > MAX_ORCPT) return bad('badParameter');
    const match = /^([A-Za-z0-9-]+);(.+)$/.exec(orcpt);
    const raw = match?.[2] ?? '';
    // RFC 6533 §3: with SMTPUTF8 the type utf-8 may carry UTF-8 as it is.
    const utf8 = smtputf8 && /^utf-8$/i.test(match?.[1] ?? '');
    const decoded = match ? decodeXtext(raw, utf8) : null;
    if (!decoded) return bad('badParameter');
    dsn = { ...dsn, orcpt: `${match?.[1] ?? ''};${decoded}` };
  }
  return { ok: true, value: dsn };
}

function splitParameters(
  words: readonly string[],
  known: ReadonlySet<string>,
): Parsed<ReadonlyMap<string, string | null>> {
  const given = new Map<string, string | null>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    if (!known.has(keyword)) return bad('unknownParameter');
    if (given.has(keyword)) return bad('duplicateParameter');
    const value = equals < 0 ? null : word.slice(equals + 1);
    if (value === '') return bad('badParameter');
    given.set(keyword, value);
  }
  return { ok: true, value: given };
}

function isNotifyWord(word: string): word is NotifyWord {
  return (NOTIFY_WORDS as readonly string[]).includes(word);
}

function bad(name: RefusalName): { readonly ok: false; readonly refusal: RefusalName } {
  return { ok: false, refusal: name };
}
