/** Facts for policy tests, with everything that a case does not care about filled in. */
import type { SmtpPhase, SmtpReply, Verdict } from '../../../shared/mail.ts';
import { defaultSettings, gatewaySchema, type GatewaySettings, type Settings } from '../../../shared/settings.ts';
import type { RecipientHistory, SessionReport, Environment } from '../../../main/policy/model.ts';

export const NOW = Date.UTC(2026, 0, 15, 12);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const DEFAULTS = defaultSettings();

export function gateway(id: string, more: Partial<GatewaySettings> = {}): GatewaySettings {
  return { ...gatewaySchema.parse({ id, name: id.toUpperCase(), host: `${id}.test` }), ...more };
}

/** Default settings with some gateways' settings replaced. */
export function settingsWith(
  gateways: Partial<Settings['gateways']>,
  connection: Partial<Settings['connection']> = {},
): Settings {
  const settings = defaultSettings();
  return {
    ...settings,
    gateways: { ...settings.gateways, ...gateways },
    connection: { ...settings.connection, ...connection },
  };
}

export function environment(more: Partial<Environment> = {}): Environment {
  return {
    settings: DEFAULTS,
    now: NOW,
    networkId: 'net1',
    networkName: 'Home',
    hold: null,
    ownNames: ['laptop.test'],
    ...more,
  };
}

export function history(more: Partial<RecipientHistory> = {}): RecipientHistory {
  return {
    id: 1,
    rcptTo: 'ann@example.test',
    state: 'attempting',
    acceptedAt: NOW - HOUR,
    countedFrom: NOW - HOUR,
    attempts: 2,
    retryIndex: 2,
    gatewayPasses: 0,
    undeliverable: false,
    forcedGateway: null,
    lastCountedAt: NOW - HOUR / 2,
    unknownOutcomes: [],
    ...more,
  };
}

/** "550 5.1.1 no such user" as a reply. */
export function reply(line: string): SmtpReply {
  const match = /^(\d{3})(?: (\d\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/.exec(line);
  if (!match) throw new Error(`not a reply: ${line}`);
  const [, code, enhanced, text = ''] = match;
  return { code: Number(code), text, ...(enhanced === undefined ? {} : { enhanced }) };
}

/** A session that ended in `phase`; recipient 1 alone unless said otherwise. */
export function report(phase: SmtpPhase, more: Partial<SessionReport> = {}): SessionReport {
  return {
    hop: { kind: 'mx', host: 'mx.test', port: 25 },
    phase,
    startedAt: NOW,
    endedAt: NOW + 100,
    tls: null,
    reply: null,
    trouble: null,
    dotSent: phase === 'final',
    recipients: [{ recipient: 1, rcptReply: null }],
    ...more,
  };
}

/** "rejected recipient 5.1.1", "deferred host 4.4.1 timeout", "delivered": short enough for a table. */
export function inShort(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'delivered':
      return 'delivered';
    case 'rejected':
      return `rejected ${verdict.scope} ${verdict.status}`;
    case 'deferred':
      return `deferred ${verdict.scope} ${verdict.status} ${verdict.why}`;
  }
}
