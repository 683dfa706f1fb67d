/** Access and identity through the whole program: STARTTLS, accounts and lists of the listener, EHLO name, DKIM, log files, `postcast show`. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatDetails } from '../../app/cli/format.ts';
import { say } from '../../shared/phrases.ts';
import { unpackedPackage } from '../support/debian-package.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { mailWorldMissing, startMailWorld, type MailWorld } from '../support/mail-world.ts';
import { eventually, startProgramLab, submitBySmtp, type ProgramLab } from '../support/program-lab.ts';

const missing = mailWorldMissing();
/** Python's dkimpy, where it is installed or can be fetched: where it stands, or why not. */
const dkimpy = existsSync('/usr/lib/python3/dist-packages/dkim')
  ? ({ ok: true, folder: '/' } as const)
  : unpackedPackage('python3-dkim');

/** python's smtplib as mail program: STARTTLS without a certificate check, then perhaps a sign-in. Prints what it was told. */
const CLIENT = `
import smtplib, ssl, sys
port, user, password, to = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
s = smtplib.SMTP('127.0.0.1', port, local_hostname='client.test')
s.ehlo()
print('before', 'auth' in s.esmtp_features, 'starttls' in s.esmtp_features)
s.starttls(context=context); s.ehlo()
print('after', 'auth' in s.esmtp_features, s.sock.version())
try:
    if user: s.login(user, password)
    s.sendmail('ann@sender.test', [to], 'Subject: signed in\\r\\n\\r\\nx\\r\\n')
    print('taken')
except smtplib.SMTPResponseException as e: print('refused', e.smtp_code, e.smtp_error.decode())
except smtplib.SMTPRecipientsRefused as e: print('refused', *list(e.recipients.values())[0])
`;
/** Not in step with this process, in which the listener runs. */
const python = async (port: number, user: string, password: string, to: string): Promise<string> =>
  (await promisify(execFile)('python3', ['-c', CLIENT, String(port), user, password, to])).stdout;

describe.skipIf(missing !== null)(`access and identity${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let world: MailWorld;
  let lab: ProgramLab;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    world = keep(await startMailWorld());
    lab = keep(
      await startProgramLab({
        connection: { dnsServers: [world.dns], directPort: world.port },
        administration: { returnUndeliverable: false, log: 'single' },
      }),
    );
  });

  it('a certificate is made on first use; an account added in the settings signs in, a wrong password does not', async () => {
    await lab.set({ 'server.tls': { enabled: true, certFile: '', keyFile: '' } });
    await lab.call('server.setPassword', { name: 'ann', password: 'correct horse' });
    await lab.set({ 'server.requireAuth': true });
    const account = lab.program.api['settings.get']({});
    expect(JSON.stringify(await account)).not.toContain('scrypt');
    const good = await python(lab.port, 'ann', 'correct horse', 'auth@order.test');
    expect(good).toContain('before False True');
    expect(good).toMatch(/after True TLSv1\.[23]/);
    expect(good).toContain('taken');
    expect(readdirSync(path.join(lab.profile, 'tls')).length).toBeGreaterThan(0);
    const [arrived] = await world.postfix.arrives('auth@order.test');
    expect(arrived?.text).toMatch(/by laptop\.home\.test[^\n]*\n?[^\n]*with ESMTPSA/);
    expect(await python(lab.port, 'ann', 'wrong', 'auth@order.test')).toContain('refused 535');
    expect(await python(lab.port, '', '', 'auth@order.test')).toContain('refused 530');
    expect(lab.log()).not.toContain('correct horse');
    await lab.call('server.setPassword', { name: 'ann', password: null });
    expect(lab.program.status().listener.kind).toBe('listening');
    await lab.set({ 'server.requireAuth': false, 'server.tls': { enabled: false, certFile: '', keyFile: '' } });
  });

  it('a certificate file that is not there is told as a problem until it is mended or no longer named', async () => {
    const problems = (): readonly string[] => lab.program.status().problems.map(({ phrase }) => say(phrase));
    const missing = path.join(lab.profile, 'none.pem');
    await lab.set({ 'server.tls': { enabled: true, certFile: missing, keyFile: missing } });
    await expect.poll(problems).toEqual([expect.stringContaining(`cannot be read: ${missing}`) as string]);
    await lab.set({ 'server.tls': { enabled: false, certFile: '', keyFile: '' } });
    await expect.poll(problems).toEqual([]);
  });

  it('denied clients, blocked recipients and, if wanted, senders without MX are refused', async () => {
    await lab.set({ 'server.blockedRecipients': ['ex@order.test', 'spam.test'] });
    await expect(submitBySmtp(lab.port, { to: ['ex@order.test'] })).rejects.toThrow(/55\d/);
    await expect(submitBySmtp(lab.port, { to: ['any@spam.test'] })).rejects.toThrow(/55\d/);
    await lab.set({ 'server.refuseSendersWithoutMx': true });
    await expect(submitBySmtp(lab.port, { from: 'a@nowhere.test', to: ['b@order.test'] })).rejects.toThrow(/55\d/);
    await lab.reaches(await submitBySmtp(lab.port, { from: 'a@sender.test', to: ['b@order.test'] }), 'sent');
    await lab.set({
      'server.refuseSendersWithoutMx': false,
      'server.blockedRecipients': [],
      'server.deny': ['127.0.0.0/8'],
    });
    await expect(submitBySmtp(lab.port, { to: ['b@order.test'] })).rejects.toThrow();
    await lab.set({ 'server.deny': [] });
  });

  it('the name that the user forces is said in EHLO and in Received', async () => {
    await lab.set({ 'server.hostname': 'forced.name.test' });
    await lab.reaches(await lab.submit({ to: ['ehlo@shuffled.test'] }), 'sent');
    const [arrived] = await world.postfix.arrives('ehlo@shuffled.test');
    expect(arrived?.text).toContain('by forced.name.test');
    // Postfix writes down how it was greeted, on new connections.
    await lab.set({ 'connection.directPort': world.port });
    await lab.reaches(await lab.submit({ to: [`lit@[${world.address('old')}]`] }), 'sent');
    const [greeted] = await world.postfix.arrives(`lit@[${world.address('old')}]`);
    expect(greeted?.text).toMatch(/^Received: from forced\.name\.test /m);
    await lab.set({ 'server.hostname': 'laptop.home.test' });
  });

  it.skipIf(!dkimpy.ok)(
    `a signature made with the program's key is good to dkimpy on the arrived octets${dkimpy.ok ? '' : ` (skipped: ${dkimpy.why})`}`,
    async () => {
      const record = await lab.call('security.makeDkimKey', { domain: 'sender.test', selector: 'pc1' });
      expect(record.name).toBe('pc1._domainkey.sender.test');
      expect(await lab.call('security.dkimRecord', { domain: 'sender.test', selector: 'pc1' })).toEqual(record);
      // Nothing else is needed to put it to use.
      const { security } = await lab.call('settings.get', {});
      expect(security.dkim).toEqual([{ domain: 'sender.test', selector: 'pc1', enabled: true }]);
      const text =
        'From: Ann <ann@sender.test>\r\nTo: dkim@order.test\r\nSubject: A subject  with   blanks\r\n\r\nBody \r\n\r\n..dots\r\n\xe4\r\n\r\n\r\n';
      await lab.reaches(
        await lab.submit({
          to: ['dkim@order.test'],
          text: text.replace('\n..dots', '\n dots'),
          mailParameters: 'BODY=8BITMIME',
        }),
        'sent',
      );
      const [arrived] = await world.postfix.arrives('dkim@order.test');
      const verify = (message: string): string => {
        const run = spawnSync(
          'python3',
          [
            '-c',
            `import sys, dkim
record = sys.argv[1].encode()
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: record if name.decode() == sys.argv[2] else None))`,
            record.value,
            `${record.name}.`,
          ],
          {
            input: Buffer.from(message.replaceAll('\n', '\r\n'), 'latin1'),
            encoding: 'utf8',
            env: {
              ...process.env,
              ...(dkimpy.ok ? { PYTHONPATH: path.join(dkimpy.folder, 'usr/lib/python3/dist-packages') } : {}),
            },
          },
        );
        return run.stdout.trim() === '' ? run.stderr : run.stdout.trim();
      };
      expect(arrived?.text).toContain('DKIM-Signature:');
      expect(verify(arrived?.text ?? '')).toBe('True');
      expect(verify((arrived?.text ?? '').replace('Body', 'Bodi'))).toBe('False');
      await lab.set({ 'security.dkim': [] });
    },
  );

  it('logs: none, one file, or one a day, as the user switches', async () => {
    const files = (): readonly string[] => readdirSync(path.join(lab.profile, 'logs')).sort();
    await eventually('no log file', () => files().length === 1);
    await lab.set({ 'administration.log': 'daily' });
    await lab.reaches(await lab.submit({ to: ['log@order.test'] }), 'sent');
    await eventually('no log file of the day', () => files().some((name) => /\d{4}-\d\d-\d\d/.test(name)));
    await lab.set({ 'administration.log': 'off' });
    const unseen = await lab.submit({ to: ['nolog@order.test'] });
    await lab.reaches(unseen, 'sent');
    await lab.set({ 'administration.log': 'single' });
    await lab.reaches(await lab.submit({ to: ['again@order.test'] }), 'sent');
    // Lines reach the file a moment later, in their order.
    await eventually('no log file again', () => lab.log().includes('again@order.test'));
    expect(lab.log()).not.toContain('nolog@order.test');
    expect(lab.log()).not.toContain(unseen);
  });

  it('postcast show says why, in the words of the window', async () => {
    const id = await lab.submit({ to: ['show@order.test', 'nobody@order.test', 'a@null.test'] });
    const details = await lab.reaches(id, 'bounced');
    const shown = formatDetails(details, say, Date.now());
    for (const words of [
      'Delivered directly to mx1.hosts.test: you have chosen not to use gateways.',
      'refused it for good: 550 5.1.1',
      'The domain null.test states that it takes no mail.',
    ])
      expect(shown.replace(/\s+/g, ' ')).toContain(words);
  });
});
