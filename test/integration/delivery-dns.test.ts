import { beforeAll, describe, expect, it } from 'vitest';
import { createDns } from '../../main/dns/dns.ts';
import { resolveMx } from '../../main/dns/resolve-mx.ts';
import { systemClock } from '../../main/runtime/system-clock.ts';
import { startScriptedDns } from '../fakes/scripted-dns-server.ts';
import { settingsOf } from '../support/delivery-rig.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { keepUntilEnd } from '../support/kept.ts';

const never = new AbortController().signal;

describe.skipIf(!canRunDnsmasq())('a real DNS server', () => {
  let dnsmasq: Awaited<ReturnType<typeof startDnsmasq>>;
  const keep = keepUntilEnd();
  beforeAll(async () => {
    dnsmasq = keep(
      await startDnsmasq([
        'mx-host=far.test,mx2.far.test,20',
        'mx-host=far.test,mx1.far.test,10',
        'host-record=mx1.far.test,192.0.2.1,2001:db8::1',
        'host-record=mx2.far.test,192.0.2.2',
        'host-record=plain.test,192.0.2.3',
        'mx-host=loop.test,mx.loop.test,10',
        'host-record=mx.loop.test,127.0.0.1',
        'cname=alias.test,plain.test',
        'txt-record=_x.test,one,two',
        'srv-host=_submission._tcp.far.test,smtp.far.test,587,1,2',
      ]),
    );
  });

  const make = (servers: readonly string[] = [dnsmasq.server]) => {
    const settings = settingsOf({ connection: { dnsServers: servers, dnsTimeoutSeconds: 1 } });
    const dns = createDns({ clock: systemClock, settings: () => settings });
    const mx = (domain: string) =>
      resolveMx(
        {
          dns,
          random: { next: () => 0, hex: () => '' },
          settings: () => settings,
          ownNames: () => [],
          ownAddresses: () => [],
        },
        domain,
        never,
      );
    return { dns, mx };
  };

  it('MX hosts come by preference with their addresses of both families', async () => {
    expect(await make().mx('far.test')).toEqual({
      kind: 'hosts',
      hosts: [
        { host: 'mx1.far.test', preference: 10, addresses: ['2001:db8::1', '192.0.2.1'] },
        { host: 'mx2.far.test', preference: 20, addresses: ['192.0.2.2'] },
      ],
    });
  });

  it('no MX: the address of the domain, or of what it is an alias for', async () => {
    for (const domain of ['plain.test', 'alias.test']) {
      expect(await make().mx(domain)).toMatchObject({
        kind: 'hosts',
        hosts: [{ host: domain, addresses: ['192.0.2.3'] }],
      });
    }
  });

  it('no such domain, an MX on loopback, and a name that is none are told apart', async () => {
    const { mx } = make();
    expect(await mx('nowhere.test')).toEqual({ kind: 'failed', failure: 'no-such-domain' });
    expect(await mx('loop.test')).toEqual({ kind: 'failed', failure: 'loops-back' });
    expect(await mx('a..test')).toEqual({ kind: 'failed', failure: 'bad-name' });
  });

  it('TXT and SRV', async () => {
    const { dns } = make();
    expect(await dns.txt('_x.test', never)).toMatchObject({ kind: 'found', records: ['onetwo'] });
    expect(await dns.srv('_submission._tcp.far.test', never)).toMatchObject({
      records: [{ target: 'smtp.far.test', port: 587, priority: 1, weight: 2 }],
    });
  });

  it('a server that does not answer is "no server", unless others of its answers are fresh', async () => {
    const { dns } = make(['127.0.0.1:9']);
    expect(await dns.mx('far.test', never)).toEqual({ kind: 'try-later', why: 'no-server' });
  });

  it('answers are kept until the network changes', async () => {
    const extra = await startDnsmasq(['host-record=plain.test,192.0.2.9']);
    const { dns } = make([extra.server]);
    const before = await dns.addresses('plain.test', never);
    await extra.close();
    expect(await dns.addresses('plain.test', never)).toEqual(before);
    dns.flush();
    expect(await dns.addresses('plain.test', never)).toMatchObject({ kind: 'try-later' });
  });
});

describe('what is kept of a name server that changes', () => {
  const keep = keepUntilEnd();
  const address = async (dns: ReturnType<typeof createDns>, name: string): Promise<string | undefined> => {
    const answer = await dns.addresses(name, never);
    return answer.kind === 'found' ? answer.records[0]?.address : answer.kind;
  };

  it('is forgotten at once, of one name or of all; others that ask the same servers keep theirs', async () => {
    const server = keep(await startScriptedDns({ 'a.test': { a: ['192.0.2.1'] }, 'b.test': { a: ['192.0.2.1'] } }));
    const settings = settingsOf({ connection: { dnsServers: [server.server], dnsTimeoutSeconds: 5 } });
    const dns = createDns({ clock: systemClock, settings: () => settings });
    const other = dns.uncached();
    for (const each of [dns, other]) for (const name of ['a.test', 'b.test']) await address(each, name);
    server.become({ kind: 'one-address', address: '192.0.2.66' });
    dns.forget('A.test.');
    expect([await address(dns, 'a.test'), await address(dns, 'b.test')]).toEqual(['192.0.2.66', '192.0.2.1']);
    dns.forget();
    expect([await address(dns, 'b.test'), await address(other, 'b.test')]).toEqual(['192.0.2.66', '192.0.2.1']);
    expect(await address(dns.uncached(), 'a.test')).toBe('192.0.2.66');
  });

  it('goes with the servers that said it, and what these still say is not kept', async () => {
    const [first, second] = [
      keep(await startScriptedDns({ 'a.test': { a: ['192.0.2.1'] } })),
      keep(await startScriptedDns({ 'a.test': { a: ['192.0.2.2'] } })),
    ];
    let servers = [first.server];
    const dns = createDns({
      clock: systemClock,
      settings: () => settingsOf({ connection: { dnsServers: servers, dnsTimeoutSeconds: 5 } }),
    });
    const late = address(dns, 'a.test');
    servers = [second.server];
    expect([await address(dns, 'a.test'), await late]).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(await address(dns, 'a.test')).toBe('192.0.2.2');
  });

  it('the root has hosts where there are names', async () => {
    const server = keep(await startScriptedDns({}));
    const settings = settingsOf({ connection: { dnsServers: [server.server], dnsTimeoutSeconds: 5 } });
    const dns = createDns({ clock: systemClock, settings: () => settings });
    expect(await dns.rootHosts(never)).toMatchObject({ kind: 'found', records: ['a.root-servers.test'] });
    server.become({ kind: 'no-names' });
    expect(await dns.uncached().rootHosts(never)).toEqual({ kind: 'no-such-domain' });
  });
});
