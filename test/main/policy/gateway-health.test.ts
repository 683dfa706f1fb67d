import { describe, expect, it } from 'vitest';
import { observeGateway } from '../../../main/policy/gateway-health.ts';
import { noWayOut } from '../../../main/policy/way-out.ts';
import type { SessionReport } from '../../../main/policy/model.ts';
import type { SmtpPhase } from '../../../shared/mail.ts';
import type { GatewayMode } from '../../../shared/settings.ts';
import type { GatewayState } from '../../../shared/status.ts';
import { reply, report } from './support.ts';

const GATEWAY = { kind: 'gateway', host: 'mail.office.test', port: 587, gatewayId: 'office' } as const;
const OK = reply('250 ok');

function at(phase: SmtpPhase, more: Partial<SessionReport>): SessionReport {
  return report(phase, { hop: GATEWAY, ...more });
}

/** A transaction of two recipients that went as far as the final dot. */
function sent(first: string, second: string, last: string): SessionReport {
  return at('final', {
    dotSent: true,
    reply: reply(last),
    recipients: [first, second].map((line, recipient) => ({ recipient, rcptReply: reply(line) })),
  });
}

describe('what a conversation says of the gateway itself', () => {
  it.each<[string, SessionReport, string]>([
    ['takes everybody', sent('250 ok', '250 ok', '250 taken'), 'works'],
    ['takes one, knows no other', sent('250 ok', '550 5.1.1 no such user', '250 taken'), 'works'],
    [
      'takes one, will not relay for another',
      sent('250 ok', '554 5.7.1 Relaying denied', '250 taken'),
      'fault: reached',
    ],
    ['calls the text spam', sent('250 ok', '250 ok', '554 5.7.1 Message rejected as spam'), 'nothing'],
    [
      'wants a sign-in after the text',
      sent('250 ok', '250 ok', '530 5.7.0 Authentication required'),
      'fault: not reached',
    ],
    ['is asked again later', sent('250 ok', '250 ok', '451 4.3.0 later'), 'nothing'],
    ['refuses the message', sent('250 ok', '250 ok', '554 5.6.0 broken'), 'nothing'],
    ['is silent after the dot', at('final', { dotSent: true, trouble: { kind: 'connection-lost' } }), 'nothing'],
    [
      'does not know the recipient',
      at('rcpt', { recipients: [{ recipient: 0, rcptReply: reply('550 5.1.1 no') }] }),
      'nothing',
    ],
    ['does not like the sender', at('mail', { reply: reply('550 5.7.60 not your address') }), 'fault: reached'],
    [
      'asks for a sign-in at MAIL',
      at('mail', { reply: reply('530 5.7.0 Authentication required') }),
      'fault: not reached',
    ],
    ['refuses the password', at('auth', { reply: reply('535 5.7.8 no') }), 'fault: not reached'],
    ['refuses the connection', at('connect', { trouble: { kind: 'refused' } }), 'fault: not reached'],
    ['has too many connections', at('greeting', { reply: reply('421 too many') }), 'fault: not reached'],
    [
      'has a wrong certificate',
      at('tls', { trouble: { kind: 'tls', problem: 'name', detail: '' } }),
      'fault: not reached',
    ],
  ])('%s', (_what, said, news) => {
    const heard = observeGateway({
      ...said,
      recipients: said.recipients.length > 0 ? said.recipients : [{ recipient: 0, rcptReply: OK }],
    });
    expect(heard.kind === 'fault' ? `fault: ${heard.reached ? 'reached' : 'not reached'}` : heard.kind).toBe(news);
  });
});

describe('whether anything can leave', () => {
  it.each<[GatewayMode, readonly GatewayState['state'][], boolean, string | null]>([
    ['never', [], false, null],
    ['never', ['works'], true, 'direct-blocked'],
    ['always', [], false, 'no-gateway'],
    ['always', ['disabled'], false, 'no-gateway'],
    ['always', ['disabled', 'not-here'], false, 'no-gateway-here'],
    ['always', ['unreachable'], false, 'gateways-failing'],
    ['always', ['sign-in-refused', 'tls-failed', 'refused'], false, 'gateways-failing'],
    ['always', ['unreachable', 'not-here'], false, 'gateways-failing'],
    ['always', ['unreachable', 'works'], true, null],
    ['always', ['unknown'], false, null],
    ...(['undelivered', 'onError', 'domains'] as const).flatMap(
      (mode): [GatewayMode, readonly GatewayState['state'][], boolean, string | null][] => [
        [mode, ['unreachable'], false, null],
        [mode, ['unreachable'], true, 'gateways-failing'],
        [mode, ['works'], true, null],
        [mode, [], true, 'direct-blocked'],
        [mode, ['disabled'], true, 'direct-blocked'],
      ],
    ),
  ])('%s with %j, direct blocked: %s', (mode, states, blocked, why) => {
    expect(
      noWayOut(
        mode,
        states.map((state) => ({ state })),
        blocked,
      ),
    ).toBe(why);
  });
});
