/** Networks whose paths lead nowhere, or lead there only now: addresses that vanish, dead IPv6, a VPN, no DNS. */
import { describe, expect, it } from 'vitest';
import { canRunDnsmasq } from '../support/dnsmasq.ts';
import { describeInLab, EVERYBODY, laptopNetwork } from '../support/laptop-network.ts';
import { firstWaiting, gatewayState } from '../support/laptop.ts';
import { Lines } from '../support/lines.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { HEAD_OFFICE } from '../support/netns.ts';

const DAY = 86_400_000;

/** Prints the family of each TCP connection to port 587 that is begun: for the laptop's end of the wire. */
const WIRETAP = `
import json, socket, struct
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
print(json.dumps({'family': 0}), flush=True)
while True:
    frame = tap.recv(200)
    kind, = struct.unpack('!H', frame[12:14])
    if kind == 0x0800 and frame[23] == 6: family, start = 4, 14 + (frame[14] & 15) * 4
    elif kind == 0x86dd and frame[20] == 6: family, start = 6, 54
    else: continue
    if frame[start + 2:start + 4] == struct.pack('!H', 587) and frame[start + 13] & 0x12 == 2:
        print(json.dumps({'family': family}), flush=True)
`;

describeInLab()('the whole program where a path', { timeout: 300_000 }, () => {
  const net = laptopNetwork();
  /** Servers are given five minutes for each reply: nothing in these tests comes of a time-out. */
  const patient = { serverTimeoutSeconds: 300 };
  const dnsmasq = (namespace: string, address: string, ...options: readonly string[]): void => {
    net.lab.start(namespace, '/usr/sbin/dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root', '--bind-interfaces'],
      ...[`--listen-address=${address}`, '--no-resolv', '--no-hosts', '--local=/test/'],
      ...options.map((option) => `--${option}`),
    ]);
  };

  describe('vanishes under an open connection, it is dropped at once and not by time-out', () => {
    it('with its network: the message leaves by the new one', async () => {
      const { lab } = net;
      const { a } = lab.isps;
      const first = await net.gateway('a', { customers: EVERYBODY, mute: a.laptop });
      const second = await net.gateway('b');
      const laptop = await net.program({ gateways: net.through('a', 'b'), connection: patient });
      await lab.switchRoute('a');
      await laptop.submit('moved');
      await first.until('the open transaction', ({ muted }) => muted === a.laptop);

      // The link stays up: nothing but the address and the route tells of the move.
      const gone = Date.now();
      await lab.switchRoute('b');
      await lab.ip(lab.laptop, `addr del ${a.laptop}/${a.prefix} dev eth0`);
      const { at } = await second.takes('moved');
      console.log(`address gone to arrival by the other network: ${Math.round(at - gone)} ms`);
      const { counts } = await laptop.emptied();
      expect(counts).toMatchObject({ sent: 1, bad: 0, bounced: 0 });
      expect(second.times('moved')).toBe(1);
    });

    it('alone, of several that the network gave: the message leaves from the next one, and nobody is blamed', async () => {
      const { lab } = net;
      const { a } = lab.isps;
      const extra = '198.51.100.99';
      const gateway = await net.gateway('a', { customers: EVERYBODY, mute: extra });
      const laptop = await net.program({ gateways: net.through('a'), connection: patient });
      await lab.plug('a');
      await lab.ip(
        lab.laptop,
        `addr add ${extra}/${a.prefix} dev eth0`,
        `route add ${a.gateway}/32 dev eth0 src ${extra}`,
      );
      const { network } = await laptop.statusUntil('both addresses', (s) =>
        s.network.links.some(({ addresses }) => addresses.length === 2),
      );
      await laptop.submit('stuck');
      await gateway.until('the open transaction', ({ muted }) => muted === extra);
      await lab.ip(lab.laptop, `addr del ${extra}/${a.prefix} dev eth0`);
      const { client } = await gateway.takes('stuck');
      expect(client).toBe(a.laptop);
      const after = await laptop.emptied();
      // It was the same network all along.
      expect(after.network).toMatchObject({ id: network.id, since: network.since });
      expect((await laptop.api('gateways.states', {})).states).toMatchObject([{ id: 'a', state: 'works' }]);
    });
  });

  it.skipIf(!canRunDnsmasq())(
    'is announced for IPv6 and leads nowhere: IPv4 takes the mail at once, and goes first from then on',
    async () => {
      const { lab } = net;
      const { a } = lab.isps;
      await lab.allowIpv6();
      dnsmasq(a.namespace, a.gateway, `host-record=gateway.test,${a.gateway},2001:db8:ffff::25`);
      const gateway = await net.gateway('a');
      const tap = new Lines<{ readonly family: number }>(
        lab.start(lab.laptop, '/usr/bin/python3', ['-u', '-c', WIRETAP]),
      );
      await tap.until('the tap', () => true);
      const laptop = await net.program({
        gateways: { mode: 'always', list: [{ id: 'a', name: 'Provider', host: 'gateway.test' }] },
        connection: { ...patient, dnsServers: [a.gateway] },
      });
      // Both families come with one breath, as with a real network: what is there first would decide otherwise.
      const plug = async (): Promise<void> => {
        await lab.wire('a');
        await lab.ip(
          lab.laptop,
          'link set eth0 up',
          'addr add 2001:db8:a::77/64 dev eth0 nodad',
          'route add default via 2001:db8:a::1 dev eth0',
          `addr add ${a.laptop}/${a.prefix} dev eth0`,
          `route add default via ${a.gateway} dev eth0`,
        );
      };
      await laptop.submit('first');
      await plug();
      await gateway.takes('first');
      expect(tap.all[1]).toEqual({ family: 6 });
      await laptop.emptied();
      await expect.poll(() => laptop.log(), { timeout: PATIENCE_MS }).toMatch(/ipv6 .*works=false/);

      await lab.plug(null);
      await laptop.statusUntil('the loss', ({ network }) => !network.online);
      const from = tap.all.length;
      await laptop.submit('second');
      await plug();
      await gateway.takes('second');
      expect(tap.all[from]).toEqual({ family: 4 });
    },
  );

  it('is the VPN alone: the gateway behind it is passed over without, and used as soon as it is up again', async () => {
    const { lab } = net;
    const { a } = lab.isps;
    const provider = await net.gateway('a');
    const laptop = await net.program({
      gateways: {
        mode: 'always',
        list: [
          { id: 'office', name: 'Head office', host: HEAD_OFFICE, priority: 'highest' },
          { id: 'a', name: 'Provider', host: a.gateway },
        ],
      },
      connection: patient,
    });
    const office = await net.headOffice();
    const officeIs = (): Promise<string | undefined> => gatewayState(laptop, 'office');
    await lab.plug('a');
    await laptop.submit('at home');
    await provider.takes('at home');
    await expect.poll(officeIs, { timeout: PATIENCE_MS }).toBe('unreachable');

    for (const [round, sent] of [
      ['first', 2],
      ['second', 4],
    ] as const) {
      const tunnel = await lab.tunnel();
      await expect.poll(officeIs, { timeout: PATIENCE_MS }).toBe('works');
      await laptop.submit(`${round} over the VPN`);
      await office.takes(`${round} over the VPN`);
      // Its reply has come, too: hung up on before that, the program could not know.
      await laptop.statusUntil('it in Sent', ({ counts }) => counts.sent === sent);
      await tunnel.hangUp();
      await laptop.statusUntil('the end of the VPN', (s) => s.network.links.length === 1);
      await laptop.submit(`${round} without`);
      await provider.takes(`${round} without`);
    }
    const { counts } = await laptop.emptied();
    expect(counts).toMatchObject({ sent: 5, bad: 0, bounced: 0 });
  });

  it('is the VPN, and there is no other gateway: mail waits, nothing counts, and it leaves when the VPN is up', async () => {
    const { lab } = net;
    const { a } = lab.isps;
    // The provider says that it knows no way there.
    await lab.shell(a.namespace, 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    await lab.ip(a.namespace, `route add unreachable ${HEAD_OFFICE}/32`);
    const laptop = await net.program({
      gateways: { mode: 'always', list: [{ id: 'office', name: 'Head office', host: HEAD_OFFICE }] },
      connection: { ...patient, retryMinutes: [0.02] },
    });
    await lab.plug('a');
    await laptop.submit('waits');
    await expect.poll(() => laptop.log(), { timeout: PATIENCE_MS }).toMatch(/deferred/);
    await laptop.jump(10 * DAY);
    await laptop.resume();
    await expect.poll(() => laptop.log().match(/Z deferred/g)?.length, { timeout: PATIENCE_MS }).toBeGreaterThan(1);
    expect(await firstWaiting(laptop)).toMatchObject({ state: 'deferred', attempts: 0 });
    const office = await net.headOffice();
    await lab.tunnel();
    await office.takes('waits');
    expect(await laptop.emptied()).toMatchObject({
      counts: { sent: 1, bad: 0, bounced: 0 },
    });
  });

  it.skipIf(!canRunDnsmasq())(
    'to any DNS is missing: nothing counts, by gateway or directly, however long; with DNS it leaves by itself',
    async () => {
      const { lab } = net;
      const { a } = lab.isps;
      const server = '203.0.113.53';
      const gateway = await net.gateway('a');
      const laptop = await net.program({
        gateways: {
          mode: 'domains',
          domains: ['listed.test'],
          list: [{ id: 'a', name: 'Provider', host: 'gateway.test' }],
        },
        connection: { ...patient, dnsServers: [server], dnsTimeoutSeconds: 1, directPort: 587, retryMinutes: [0.02] },
      });
      await lab.plug('a');
      await laptop.statusUntil('the network', ({ network }) => network.online);
      await laptop.submit('by gateway', { to: 'bob@listed.test' });
      await laptop.submit('directly', { to: 'bob@direct.test' });
      const deferred = (): number => laptop.log().match(/Z deferred/g)?.length ?? 0;
      await expect.poll(deferred, { timeout: PATIENCE_MS }).toBeGreaterThan(3);
      await laptop.jump(10 * DAY);
      const before = deferred();
      await laptop.resume();
      await expect.poll(deferred, { timeout: PATIENCE_MS }).toBeGreaterThan(before + 3);
      const list = { folder: 'outbox', search: '', sort: 'age', descending: true, offset: 0, limit: 10 } as const;
      const { rows } = await laptop.api('queue.list', list);
      expect(rows).toHaveLength(2);
      for (const { id } of rows)
        expect((await laptop.api('queue.show', { id })).recipients).toMatchObject([{ attempts: 0 }]);

      await lab.ip(a.namespace, `addr add ${server}/32 dev lo`);
      dnsmasq(
        a.namespace,
        server,
        ...[`host-record=gateway.test,${a.gateway}`, `host-record=mx.direct.test,${a.gateway}`],
        'mx-host=direct.test,mx.direct.test,10',
      );
      for (const subject of ['by gateway', 'directly']) await gateway.takes(subject);
      expect(await laptop.emptied()).toMatchObject({
        counts: { sent: 2, bad: 0, bounced: 0 },
      });
    },
  );
});
