/** MTA-STS (RFC 8461): what a domain's record and policy say, and which hosts fit. Pure. */
import { canonicalDomain } from './domain-match.ts';

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Names or `*.` patterns, A-labels, lower case. */
  readonly mx: readonly string[];
  /** Seconds. */
  readonly maxAge: number;
}

/** RFC 8461 §3.2: about a year. */
const LONGEST_AGE_S = 31_557_600;
const MAX_MX = 500;

/** The id of the TXT record at `_mta-sts.<domain>`; null unless exactly one such record is there (§3.1). */
export function stsRecordId(records: readonly string[]): string | null {
  const own = records.filter((text) => /^v=STSv1[ \t]*;/.test(text));
  if (own.length !== 1) return null;
  const fields = (own[0] ?? '').split(';').map((field) => field.trim());
  const id = fields.find((field) => /^id[ \t]*=/.test(field))?.replace(/^id[ \t]*=[ \t]*/, '');
  return id !== undefined && /^[A-Za-z0-9]{1,32}$/.test(id) ? id : null;
}

/** A policy document (§3.2); null if it is none. The first of a repeated field counts, unknown fields are passed over. */
export function parseStsPolicy(text: string): StsPolicy | null {
  const fields = new Map<string, string>();
  const mx: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const found = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(line);
    const [, name, value] = found ?? [];
    if (name === undefined || value === undefined) continue;
    if (name === 'mx') mx.push(value);
    else if (!fields.has(name)) fields.set(name, value);
  }
  const mode = fields.get('mode');
  const age = fields.get('max_age') ?? '';
  if (fields.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(age)) return null;
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return null;
  const patterns = mx
    .slice(0, MAX_MX)
    .map((p) => (p.startsWith('*.') ? `*.${canonicalDomain(p.slice(2))}` : canonicalDomain(p)));
  if (mode !== 'none' && patterns.length === 0) return null;
  return { mode, mx: patterns, maxAge: Math.min(Number(age), LONGEST_AGE_S) };
}

/** Whether the policy names this MX host; `*` stands for exactly one label (§4.1, RFC 6125 §6.4). */
export function stsNamesHost(policy: StsPolicy, host: string): boolean {
  const name = canonicalDomain(host);
  const parent = name.slice(name.indexOf('.') + 1);
  return policy.mx.some((pattern) =>
    pattern.startsWith('*.') ? name.includes('.') && parent === pattern.slice(2) : name === pattern,
  );
}
