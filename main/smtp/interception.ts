/** Signs that another host answers than the one that was asked for (spec §4.4). Pure. */
import { isIp } from '../../shared/syntax.ts';
import type { SessionTrouble } from '../policy/model.ts';

/** TLS trouble where credentials are to be sent: a certificate for another name shows that another host answered. */
export function asInterception(trouble: SessionTrouble, guarded: boolean): SessionTrouble {
  return guarded && trouble.kind === 'tls' && trouble.problem === 'name'
    ? { kind: 'intercepted', detail: trouble.detail }
    : trouble;
}

/**
 * The host that a greeting names (RFC 5321 §4.2), if it belongs to another domain than the asked one; null if it fits or
 * says nothing. A bare name or an address proves nothing, and mail24.example.net may well answer for smtp.example.net.
 */
export function foreignBanner(greeting: string, asked: string): string | null {
  const named = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)\.?(?:\s|$)/i.exec(
    greeting,
  )?.[1];
  if (named === undefined || isIp(asked) || isIp(named) || !asked.includes('.')) return null;
  const ownerOf = (host: string): string => host.toLowerCase().replace(/\.$/, '').split('.').slice(-2).join('.');
  return ownerOf(named) === ownerOf(asked) ? null : named;
}
