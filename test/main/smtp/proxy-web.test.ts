/** What is asked of the web beside the mail, through `connection.proxy`: MTA-STS policies, sign-ins, autoconfig. */
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { policyFetcher, type FetchPolicy } from '../../../main/delivery/mta-sts-policies.ts';
import { parseProxy } from '../../../main/smtp/proxy.ts';
import { discoverGateways, webText, type FetchText } from '../../../main/discovery/discover.ts';
import { boundedFetch, type BoundedInit } from '../../../main/secrets/oauth/bounded-fetch.ts';
import { createOAuth } from '../../../main/secrets/oauth/oauth.ts';
import type { Clock } from '../../../main/runtime/clock.ts';
import { systemClock } from '../../../main/runtime/system-clock.ts';
import { gatewaySchema } from '../../../shared/settings.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { startScriptedProxy, type ScriptedProxy } from '../../fakes/scripted-proxy.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { keptLog } from '../../support/engine-lab.ts';
import { keepDuringTest } from '../../support/kept.ts';
import { selfSignedFor } from '../../support/certificates.ts';
import { memorySecrets } from '../../fakes/memory-secrets.ts';

const keep = keepDuringTest();
const never = new AbortController().signal;
const pair = await selfSignedFor('mta-sts.far.test', 'id.office.test', 'autoconfig.far.test', 'www.far.test');
const POLICY = 'version: STSv1\nmode: enforce\nmx: mx.far.test\nmax_age: 86400\n';
const AUTOCONFIG = `<clientConfig><emailProvider id="far.test"><outgoingServer type="smtp"><hostname>smtp.far.test</hostname>
  <port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication>
  <username>%EMAILADDRESS%</username></outgoingServer></emailProvider></clientConfig>`;
const FAR = '11.22.33.44';

interface Site {
  readonly port: number;
  readonly requests: string[];
  close(): Promise<void>;
}

async function startSite(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Site> {
  const requests: string[] = [];
  const server = https.createServer({ key: pair.key, cert: pair.cert }, (request, response) => {
    requests.push(`${request.method ?? ''} https://${request.headers.host ?? ''}${request.url ?? ''}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const through = (kind: 'socks5' | 'http', proxy: ScriptedProxy) => () =>
  parseProxy(`${kind}://127.0.0.1:${proxy.port}`);

describe.each(['socks5', 'http'] as const)('through a %s proxy', (kind) => {
  const policy = (proxy: ScriptedProxy, options: { address?: string; ca?: boolean } = {}): FetchPolicy =>
    policyFetcher({
      clock: systemClock,
      dns: fakeDns({ a: { 'mta-sts.far.test': [options.address ?? FAR] } }),
      trustLoopback: () => true,
      proxy: through(kind, proxy),
      ...(options.ca === false ? {} : { ca: [pair.cert] }),
    });
  const web = (
    proxy: ScriptedProxy,
    clock: Clock = systemClock,
  ): ((url: string, init: BoundedInit) => Promise<Response>) =>
    boundedFetch(clock, 5_000, { proxy: through(kind, proxy), ca: [pair.cert] });

  it('a policy is fetched from the address that we looked up, over TLS verified for the name', async () => {
    const site = keep(await startSite((_, response) => response.end(POLICY)));
    const proxy = keep(await startScriptedProxy(site.port));
    expect(await policy(proxy)('far.test', never)).toBe(POLICY);
    expect(proxy.asked).toEqual([`${FAR}:443`]);
    expect(site.requests).toEqual(['GET https://mta-sts.far.test/.well-known/mta-sts.txt']);
    expect(await policy(proxy, { ca: false })('far.test', never)).toBeNull();
  });

  it('there is no policy where the proxy refuses or cannot be reached, and none is asked for past it', async () => {
    const refusing = keep(await startScriptedProxy('refuses'));
    expect(await policy(refusing)('far.test', never)).toBeNull();
    expect(refusing.asked).toHaveLength(1);
    const gone = await startScriptedProxy('refuses');
    await gone.close();
    expect(await policy(gone)('far.test', never)).toBeNull();
  });

  it('a policy that is no longer wanted ends with a proxy that says nothing', async () => {
    const proxy = keep(await startScriptedProxy('silent'));
    const stop = new AbortController();
    const fetched = policy(proxy)('far.test', stop.signal);
    stop.abort(new Error('enough'));
    expect(await fetched).toBeNull();
  });

  it('a request of a sign-in goes by name, with its body, and comes back whole', async () => {
    const site = keep(
      await startSite((request, response) => {
        let body = '';
        request.on('data', (piece: Buffer) => (body += piece.toString()));
        request.on('end', () => {
          response.writeHead(400, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ type: request.headers['content-type'], body }));
        });
      }),
    );
    const proxy = keep(await startScriptedProxy(site.port));
    const answer = await web(proxy)('https://id.office.test/token?x=1', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'refresh_token', a: 'ä&' }),
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({
      type: 'application/x-www-form-urlencoded',
      body: 'grant_type=refresh_token&a=%C3%A4%26',
    });
    expect(proxy.asked).toEqual(['id.office.test:443']);
    // Another name is not what the certificate is for.
    await expect(web(proxy)('https://other.office.test/', {})).rejects.toThrow();
    expect(site.requests).toEqual(['POST https://id.office.test/token?x=1']);
  });

  it('what is near is asked without the proxy', async () => {
    const site = keep(await startSite((_, response) => response.end(POLICY)));
    const proxy = keep(await startScriptedProxy('refuses'));
    // The certificate is for other names: reached, and not trusted.
    for (const host of ['127.0.0.1', 'localhost'])
      await expect(web(proxy)(`https://${host}:${site.port}/`, {})).rejects.toThrow(/certificate|altnames/i);
    expect(proxy.asked).toEqual([]);
  });

  it('a silent proxy is waited for in bounded time', async () => {
    const proxy = keep(await startScriptedProxy('silent'));
    const clock = new VirtualClock();
    const answer = web(proxy, clock)('https://id.office.test/', {}).catch((error: unknown) => String(error));
    await clock.advance(5_001);
    expect(await answer).toContain('no answer in time');
  });

  it("the program's sign-in goes through it, and says so when it does not get out", async () => {
    const proxy = keep(await startScriptedProxy('refuses'));
    const oauth = createOAuth({
      clock: systemClock,
      log: keptLog(),
      secrets: memorySecrets(),
      openExternal: () => Promise.resolve(),
      way: { proxy: through(kind, proxy) },
    });
    const gateway = gatewaySchema.parse({
      id: 'g1',
      name: 'Office',
      host: 'smtp.office.test',
      auth: 'oauth2',
      username: 'ann@office.test',
      oauthIssuer: 'https://id.office.test',
      oauthClientId: 'client-1',
    });
    const result = await oauth.signIn(gateway, { acceptObfuscated: false }, never);
    expect(result.phrase).toEqual({ id: 'oauth.not-reachable' });
    expect(proxy.asked).toEqual(['id.office.test:443']);
  });

  const documents = (proxy: ScriptedProxy, clock: Clock = systemClock): FetchText =>
    webText(clock, { proxy: through(kind, proxy), ca: [pair.cert] });

  it('the servers of an address are found out, wherever its provider sends us to over https', async () => {
    const site = keep(
      await startSite((request, response) => {
        if (request.headers.host === 'autoconfig.far.test')
          response.writeHead(302, { location: 'https://www.far.test/mail.xml' }).end();
        else if (request.url === '/mail.xml') response.end(AUTOCONFIG);
        else response.writeHead(404).end();
      }),
    );
    const proxy = keep(await startScriptedProxy(site.port));
    const found = await discoverGateways({ dns: fakeDns({}), fetchText: documents(proxy) }, 'ann@far.test', never);
    expect(found).toMatchObject([{ source: 'autoconfig', gateway: { host: 'smtp.far.test', port: 465 } }]);
    // By name, and each document of a source through the proxy; the others' certificates are not theirs.
    expect(proxy.asked).toEqual(
      expect.arrayContaining(['autoconfig.far.test:443', 'far.test:443', 'www.far.test:443']),
    );
    expect(site.requests).toEqual([
      expect.stringMatching(/^GET https:\/\/autoconfig\.far\.test\/mail\//),
      'GET https://www.far.test/mail.xml',
    ]);
  });

  it.each([
    ['to a place without encryption', 'http://www.far.test/mail.xml'],
    ['in a circle', '/again'],
    ['nowhere', 'https://['],
  ])('a document that is said to be elsewhere, %s, is none', async (_, location) => {
    const site = keep(await startSite((_request, response) => response.writeHead(301, { location }).end()));
    const proxy = keep(await startScriptedProxy(site.port));
    expect(await documents(proxy)('https://autoconfig.far.test/mail.xml', never)).toBeNull();
    expect(site.requests.length).toBeLessThan(10);
    expect(new Set(proxy.asked)).toEqual(new Set(['autoconfig.far.test:443']));
  });

  it('a document that does not come, or is no longer wanted, is none', async () => {
    const refusing = keep(await startScriptedProxy('refuses'));
    expect(await documents(refusing)('https://autoconfig.far.test/', never)).toBeNull();
    const silent = keep(await startScriptedProxy('silent'));
    const clock = new VirtualClock();
    const late = documents(silent, clock)('https://autoconfig.far.test/', never);
    await clock.advance(6_001);
    expect(await late).toBeNull();
    const stop = new AbortController();
    const unwanted = documents(silent)('https://autoconfig.far.test/', stop.signal);
    stop.abort(new Error('enough'));
    expect(await unwanted).toBeNull();
  });
});
