import { beforeAll, describe, expect, it } from 'vitest';
import { fakeDns } from '../fakes/fake-dns.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { deliveryRig, messageOf, recipientsOf, settingsOf } from '../support/delivery-rig.ts';
import { keepUntilEnd } from '../support/kept.ts';
import { canRunPostfix, startPostfix, type Postfix } from '../support/postfix.ts';

/** Against the real Postfix, with Dovecot checking the passwords. */
describe.skipIf(!canRunPostfix())('a real Postfix as gateway', () => {
  let certificates: Certificates;
  let postfix: Postfix;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    certificates = await makeCertificates();
    postfix = keep(await startPostfix({ user: 'ann', password: 'open sesame', certificate: certificates.good }));
  });

  const never = new AbortController().signal;
  const text =
    'Subject: x\r\nMessage-ID: <1@home.test>\r\n\r\n.dot\r\n\xe4\xf6\xfc\r\n' + `${'y'.repeat(2000)}\r\n..\r\n`;
  const rigFor = (gateway: object, password = 'open sesame') =>
    deliveryRig({ gateways: { list: [{ id: 'g1', name: 'Office', host: '127.0.0.1', ...gateway }] } }, fakeDns({}), {
      passwords: { 'gateway:g1': password },
      ca: [certificates.ca],
    });
  const run = async (rig: ReturnType<typeof rigFor>, ...to: string[]) => {
    const result = await rig.delivery.run(
      { kind: 'gateways', ids: ['g1'] },
      messageOf(text, { body8bit: true }),
      recipientsOf(...to),
      never,
    );
    await rig.delivery.close(2000);
    return result;
  };
  const arrived = async (count: number): Promise<readonly string[]> => {
    await expect.poll(() => postfix.messages().length).toBeGreaterThanOrEqual(count);
    return postfix.messages();
  };

  it('signed in over STARTTLS and over TLS it takes mail for anywhere, octet by octet', async () => {
    const before = postfix.messages().length;
    for (const gateway of [
      { port: postfix.port, security: 'starttls' },
      { port: postfix.tlsPort, security: 'tls' },
    ]) {
      const result = await run(rigFor({ ...gateway, auth: 'password', username: 'ann' }), 'bob@elsewhere.test');
      expect(result.verdicts.get(1), postfix.log()).toMatchObject({ kind: 'delivered' });
      expect(result.tries[0]?.tls).toMatchObject({ verified: true, protocol: 'TLSv1.3' });
    }
    const messages = await arrived(before + 2);
    expect(messages).toHaveLength(before + 2);
    const body = text.slice(text.indexOf('\r\n\r\n')).replaceAll('\r\n', '\n');
    for (const message of messages) expect(message.endsWith(body)).toBe(true);
  });

  it("a wrong password is the gateway's trouble, whatever its code", async () => {
    const result = await run(
      rigFor({ port: postfix.port, auth: 'password', username: 'ann' }, 'wrong'),
      'bob@elsewhere.test',
    );
    expect(result.verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'gateway', why: 'auth' });
  });

  it('an unknown recipient among others is refused alone', async () => {
    const result = await run(rigFor({ port: postfix.port }), 'bob@local.test', 'nobody@local.test');
    expect(result.verdicts.get(1)).toMatchObject({ kind: 'delivered' });
    expect(result.verdicts.get(2)).toMatchObject({ kind: 'rejected', status: '5.1.1' });
  });

  it('relaying denied to who did not sign in is no refusal of the mail', async () => {
    const result = await run(rigFor({ port: postfix.port }), 'bob@elsewhere.test');
    expect(result.verdicts.get(1)).toMatchObject({ kind: 'deferred', scope: 'gateway', why: 'relaying-denied' });
  });

  it('the test in the settings says yes', async () => {
    const rig = rigFor({ port: postfix.port, auth: 'password', username: 'ann' });
    const [gateway] = settingsOf({
      gateways: {
        list: [{ id: 'g1', name: 'Office', host: '127.0.0.1', port: postfix.port, auth: 'password', username: 'ann' }],
      },
    }).gateways.list;
    if (!gateway) throw new Error('no gateway');
    const steps = await rig.delivery.testGateway(gateway, null, never);
    expect(steps.map((s) => s.ok)).toEqual([true, true, true, true, true]);
  });
});
