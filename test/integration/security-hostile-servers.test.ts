/** What servers and settings could smuggle into our own commands, or make us chew on (standards §2.2 N2, N16, N17, §3). */
import { afterEach, describe, expect, it } from 'vitest';
import { gatewaySchema, parseSettings } from '../../shared/settings.ts';
import { escapeText } from '../../main/log/log.ts';
import { fakeDns } from '../fakes/fake-dns.ts';
import { offering, startScriptedServer, type Dialogue } from '../fakes/scripted-smtp-server.ts';
import { deliveryRig, messageOf, recipientsOf } from '../support/delivery-rig.ts';

const never = new AbortController().signal;
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function lab(dialogue: Dialogue, gateway: object = {}, more: Parameters<typeof deliveryRig>[2] = {}) {
  const server = await startScriptedServer(dialogue);
  open.push(() => server.close());
  const list = [{ id: 'g1', name: 'Office', host: '127.0.0.1', port: server.port, security: 'none', ...gateway }];
  const rig = deliveryRig({ gateways: { list } }, fakeDns({}), more);
  open.push(() => rig.delivery.close(0));
  const send = (to: string, facts: Parameters<typeof messageOf>[1] = {}) =>
    rig.delivery.run(
      { kind: 'gateways', ids: ['g1'] },
      messageOf('Subject: x\r\n\r\nhello\r\n', facts),
      recipientsOf(to),
      never,
    );
  return { server, rig, send };
}

describe('the envelope', () => {
  it.each([['bob@far.test>\r\nRCPT TO:<eve@evil.test'], ['bob@far.test\n'], ['bob\0@far.test']])(
    '%j is no second command: nothing is said at all',
    async (to) => {
      const { send, server } = await lab({});
      const { verdicts } = await send(to);
      expect(verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'local' });
      expect(server.sessions.flatMap((s) => s.lines).filter((l) => /^(MAIL|RCPT)/.test(l))).toEqual([]);
    },
  );
  it('a reverse-path with a line end is no second command', async () => {
    const { send, server } = await lab({});
    const { verdicts } = await send('bob@far.test', { mailFrom: 'a@b.test>\r\nRSET' });
    expect(verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'local' });
    expect(server.sessions.flatMap((s) => s.lines).some((l) => /^(MAIL|RSET)/.test(l))).toBe(false);
  });
  it('a quoted local part with an @ goes to the domain behind the last one (CVE-2025-13033)', async () => {
    const { send, server } = await lab({});
    await send('"bob@evil.test x"@far.test');
    expect(server.sessions[0]?.lines.find((l) => l.startsWith('RCPT'))).toMatch(
      /^RCPT TO:<"bob@evil\.test x"@far\.test>/,
    );
  });
  it('DSN parameters with a line end are no second command', async () => {
    const { send, server } = await lab({});
    await send('bob@far.test', { dsn: { envid: 'x\r\nRCPT TO:<eve@evil.test>' } });
    expect(server.sessions.flatMap((s) => s.lines).some((l) => l.includes('eve@') && l.startsWith('RCPT'))).toBe(false);
  });
});

describe('our name', () => {
  it.each(['a.test\r\nMAIL FROM:<>', 'a b.test', 'a.test\0', '<a.test>'])(
    '%j is not taken from the settings',
    (hostname) => {
      expect(parseSettings({ server: { hostname } }).ok).toBe(false);
    },
  );
});

describe('settings of a gateway', () => {
  it.each([
    ['host', 'h.test\r\nx'],
    ['host', 'h.test/path'],
    ['host', 'user@h.test'],
    ['id', '../../etc'],
    ['id', 'a:b'],
  ])('%s %j is refused', (field, value) => {
    expect(gatewaySchema.safeParse({ id: 'g', name: 'n', host: 'h.test', [field]: value }).success).toBe(false);
  });
});

describe('EHLO answers', () => {
  it.each([
    ['ten thousand mechanisms', `AUTH ${'X'.repeat(5)}${' AAAAA'.repeat(8000)}`],
    ['blanks without end', `AUTH${' '.repeat(50_000)}`],
    ['signs without end', `AUTH${'='.repeat(50_000)}x`],
  ])('with %s are read in no time (GHSA-4ffr-jq9g-5ffx)', async (_name, keyword) => {
    const { send } = await lab({ EHLO: offering(keyword) });
    // Of the processor: on a busy machine a clock would tell of the others.
    const before = process.cpuUsage();
    expect((await send('bob@far.test')).verdicts.get(1)?.kind).toBe('delivered');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
  it('keywords in the name of the host are none: no password goes there', async () => {
    const { send, server } = await lab(
      { EHLO: '250 auth-plain-starttls-dsn.evil.test' },
      { auth: 'password', username: 'ann', allowInsecureAuth: true },
      { passwords: { 'gateway:g1': 'correct-horse' } },
    );
    expect((await send('bob@far.test')).verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'gateway' });
    expect(server.sessions[0]?.lines.some((l) => l.startsWith('AUTH'))).toBe(false);
  });
});

describe('log injection', () => {
  it.each([
    ['line ends', 'a\r\n2026-01-01T00:00:00Z sent Q1 to=x'],
    ['a unicode line separator', 'a\u2028b\u2029c\u0085d'],
    ['an escape sequence of a terminal', '\u001b]0;owned\u0007'],
    ['a direction override', 'a\u202eb'],
    ['NUL', 'a\0b'],
  ])('%s come out as signs that can be seen', (_name, text) => {
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(escapeText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
  });
});
