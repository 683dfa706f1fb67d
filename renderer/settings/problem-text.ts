/** Why a value cannot be saved, in the window's language: the schema's issues by their kind. */
import type * as z from 'zod';
import type { en } from '../i18n/en.ts';
import type { Translate } from '../i18n/locale.tsx';

type Issue = Pick<z.core.$ZodIssue, 'message'> & { readonly code?: string | undefined };

/** The schema's own sentences (shared/settings.ts) and the catalogue's keys for them. */
const KNOWN: Readonly<Record<string, keyof typeof en.problems>> = {
  Needed: 'needed',
  'Not a host name or IP address': 'host',
  'Not an IP address': 'ip',
  'Not a host name': 'hostname',
  'Not an address or CIDR range': 'cidr',
  'Not an address or domain': 'addressPattern',
  'Not a domain (example.com or *.example.com)': 'domainPattern',
  'Not a domain': 'domain',
  'Not an IP address or IP:port': 'ipPort',
  'Give the gateway a name': 'gatewayName',
  'Sign-in needs a user name': 'username',
  'Letters, digits and - only': 'selector',
  'Like socks5://host:1080': 'proxy',
  'At least one interval': 'interval',
  'Minutes must be more than 0': 'minutes',
};

/** @returns a short sentence for beside the field */
export function problemText(issue: Issue, t: Translate): string {
  const known = KNOWN[issue.message];
  if (known !== undefined) return t(`problems.${known}` as 'problems.needed');
  const limits = issue as Issue & {
    readonly minimum?: number | bigint;
    readonly maximum?: number | bigint;
    readonly origin?: string;
  };
  const many = limits.origin === 'array' || limits.origin === 'set';
  switch (issue.code) {
    case 'too_small':
      if (limits.origin === 'string') return t('problems.needed');
      return many ? t('problems.fewItems') : t('problems.small', { limit: Number(limits.minimum) });
    case 'too_big':
      if (limits.origin === 'string') return t('problems.long', { limit: Number(limits.maximum) });
      return many
        ? t('problems.manyItems', { limit: Number(limits.maximum) })
        : t('problems.big', { limit: Number(limits.maximum) });
    case 'invalid_type':
      return t('problems.number');
    default:
      return issue.message;
  }
}
