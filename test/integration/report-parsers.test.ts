/** Reports are read by somebody else's parser: python's email package. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { buildReport, type ReportInput, type ReportedRecipient } from '../../main/report/build-dsn.ts';

const SCRIPT = `
import sys, json, email, email.policy
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = list(message.iter_parts())
status = parts[1].get_payload()
blocks = [{k: str(v) for k, v in block.items()} for block in status] if isinstance(status, list) else []
third = parts[2]
inner = third.get_payload()
print(json.dumps({
  'type': message.get_content_type(), 'report': message.get_param('report-type'), 'subject': str(message['subject']),
  'to': str(message['to']), 'auto': str(message['auto-submitted']), 'types': [p.get_content_type() for p in parts],
  'human': parts[0].get_content(), 'blocks': blocks,
  'inner': str(inner[0]['subject']) if isinstance(inner, list) else inner,
  'defects': [repr(d) for p in message.walk() for d in p.defects],
}))
`;

interface Parsed {
  readonly type: string;
  readonly report: string;
  readonly subject: string;
  readonly to: string;
  readonly auto: string;
  readonly types: readonly string[];
  readonly human: string;
  readonly blocks: readonly Readonly<Record<string, string>>[];
  readonly inner: string;
  readonly defects: readonly string[];
}

function parse(bytes: Uint8Array): Parsed {
  const run = spawnSync('python3', ['-c', SCRIPT], { input: bytes, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Parsed;
}

const failed: ReportedRecipient = {
  rcptTo: 'nobody@example.test',
  dsn: { orcpt: 'rfc822;No+Body@example.test' },
  action: 'failed',
  status: '5.1.1',
  reply: { code: 550, enhanced: '5.1.1', text: '5.1.1 no such user\nask postmaster' },
  remoteMta: 'mx1.example.test',
  lastAttemptAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  willRetryUntil: null,
  sentence: 'The mail server of example.test does not know this address.',
};

function input(over: Partial<ReportInput> = {}): ReportInput {
  return {
    reportingMta: 'laptop.example.test',
    sender: 'ann@example.test',
    originalDsn: { envid: 'QQ314159' },
    originalSubject: 'Hello',
    arrivedAt: Date.UTC(2026, 0, 1),
    now: Date.UTC(2026, 0, 5),
    unique: 'abcdef0123456789',
    recipients: [failed],
    original: {
      kind: 'full',
      bytes: new TextEncoder().encode('Subject: Hello\r\nFrom: ann@example.test\r\n\r\nHi\r\n'),
    },
    ...over,
  };
}

describe('a report', () => {
  it('names recipient, status and diagnostic where an independent parser looks for them', () => {
    const parsed = parse(buildReport(input()).bytes);
    expect(parsed).toMatchObject({
      type: 'multipart/report',
      report: 'delivery-status',
      to: 'ann@example.test',
      auto: 'auto-replied',
      types: ['text/plain', 'message/delivery-status', 'message/rfc822'],
      inner: 'Hello',
      defects: [],
    });
    expect(parsed.blocks[0]).toMatchObject({
      'Reporting-MTA': 'dns; laptop.example.test',
      'Original-Envelope-Id': 'QQ314159',
    });
    expect(parsed.blocks[1]).toMatchObject({
      'Final-Recipient': 'rfc822; nobody@example.test',
      'Original-Recipient': 'rfc822; No+Body@example.test',
      Action: 'failed',
      Status: '5.1.1',
      'Remote-MTA': 'dns; mx1.example.test',
      'Diagnostic-Code': 'smtp; 550 5.1.1 no such user ask postmaster',
    });
    expect(parsed.human).toContain('does not know this address');
  });

  it('puts several recipients into one report, the failed ones first', () => {
    const delayed: ReportedRecipient = {
      ...failed,
      rcptTo: 'later@example.test',
      action: 'delayed',
      status: '4.4.1',
      willRetryUntil: Date.UTC(2026, 0, 9),
    };
    const parsed = parse(buildReport(input({ recipients: [delayed, failed] })).bytes);
    expect(parsed.blocks.slice(1).map((b) => b['Action'])).toEqual(['delayed', 'failed']);
    expect(parsed.subject).toBe('Your message could not be delivered: Hello');
    expect(parsed.human.indexOf('nobody@')).toBeLessThan(parsed.human.indexOf('later@'));
  });

  it('names thousands of recipients to programs, and to people as many as they read', () => {
    const recipients = Array.from({ length: 3000 }, (_, i) => ({ ...failed, rcptTo: `r${i}@example.test` }));
    const parsed = parse(buildReport(input({ recipients })).bytes);
    expect(parsed.blocks).toHaveLength(3001);
    expect(parsed.human).toContain('r499@example.test');
    expect(parsed.human).not.toContain('r500@example.test');
    expect(parsed.human).toContain('and 2500 more');
  });

  it('carries the header alone where the original is not wanted', () => {
    const built = buildReport(
      input({ original: { kind: 'header', bytes: new TextEncoder().encode('Subject: Hello\r\n') } }),
    );
    const parsed = parse(built.bytes);
    expect(parsed.types[2]).toBe('text/rfc822-headers');
    expect(parsed.human).toContain('The header of your message is attached');
  });

  it('uses the global types of RFC 6533 for addresses that are not ASCII', () => {
    const built = buildReport(input({ recipients: [{ ...failed, rcptTo: 'jürgen@bücher.test', dsn: {} }] }));
    expect(built).toMatchObject({ smtputf8: true, body8bit: true });
    const text = new TextDecoder().decode(built.bytes);
    expect(text).toContain('Content-Type: message/global-delivery-status');
    expect(text).toContain('Final-Recipient: utf-8; jürgen@bücher.test');
  });

  it('says a subject beyond ASCII as encoded words', () => {
    const subject = 'Grüße aus Åbo, und noch ein wenig mehr, damit es lang wird: 日本語の件名';
    expect(parse(buildReport(input({ originalSubject: subject })).bytes).subject).toBe(
      `Your message could not be delivered: ${subject}`,
    );
  });

  it('lets no reply, subject or address add a header or a block of its own', () => {
    const evil = 'x\r\nBcc: victim@example.test\r\n\r\nAction: delivered';
    const parsed = parse(
      buildReport(
        input({
          originalSubject: evil,
          originalDsn: { envid: evil },
          recipients: [
            {
              ...failed,
              rcptTo: `a${evil}@example.test`,
              dsn: { orcpt: `rfc822;${evil}` },
              reply: { code: 550, text: evil },
              sentence: evil,
            },
          ],
        }),
      ).bytes,
    );
    expect(parsed.blocks).toHaveLength(2);
    expect(parsed.blocks[1]?.['Action']).toBe('failed');
    expect(parsed.types).toEqual(['text/plain', 'message/delivery-status', 'message/rfc822']);
  });

  it('keeps every line under 998 octets whatever a server said', () => {
    const long = 'word '.repeat(3000) + 'x'.repeat(3000);
    const bytes = buildReport(
      input({ recipients: [{ ...failed, reply: { code: 554, text: long }, sentence: long }] }),
    ).bytes;
    for (const line of Buffer.from(bytes).toString('latin1').split('\r\n'))
      expect(line.length).toBeLessThanOrEqual(998);
  });
});
