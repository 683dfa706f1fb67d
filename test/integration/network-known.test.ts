/** What the program knows of the networks that it was on: their names, kept across restarts, forgotten on request; and log-in pages. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import type { ProgramInLab } from '../support/laptop.ts';
import { Lines } from '../support/lines.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import type { Isp } from '../support/netns.ts';

/** A web server that sends everybody to a log-in page until its standard input says otherwise; prints what it is asked. */
const LOGIN_PAGE = `
import http.server, json, sys, threading
free = False
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(json.dumps({'asked': self.path, 'headers': dict(self.headers)}), flush=True)
        if free:
            self.send_response(204)
        else:
            self.send_response(302)
            self.send_header('Location', 'http://login.test/')
        self.end_headers()
    def log_message(self, *args): pass
def hear():
    global free
    for line in sys.stdin: free = line.strip() == 'free'
threading.Thread(target=hear, daemon=True).start()
server = http.server.ThreadingHTTPServer((sys.argv[1], 80), Page)
print(json.dumps({'ready': True}), flush=True)
server.serve_forever()
`;

describeInLab()('the whole program and the networks that it comes to know', { timeout: 300_000 }, () => {
  const net = laptopNetwork();

  const online = async (laptop: ProgramInLab, isp: Isp): Promise<string> => {
    await net.lab.plug(isp);
    const { network } = await laptop.statusUntil(`provider ${isp}`, (s) =>
      s.network.links.some(({ addresses }) => addresses.includes(net.lab.isps[isp].laptop)),
    );
    return network.id ?? '';
  };

  it('a name that the user gave limits a gateway to its network; networks are kept across a restart, and forgotten', async () => {
    const profile = mkdtempSync(path.join(tmpdir(), 'postcast-known-'));
    mkdirSync(path.join(profile, 'logs'));
    net.keep({ remove: () => rmSync(profile, { recursive: true, force: true }) });
    const start = (settings: object): Promise<ProgramInLab> => net.program(settings, { PROFILE: profile });
    const { a, b } = net.lab.isps;
    const [first, second] = [await net.gateway('a'), await net.gateway('b')];
    const list = [
      { id: 'a', name: 'Cabin', host: a.gateway, networks: ['The cabin'] },
      { id: 'b', name: 'Anywhere', host: b.gateway },
    ];
    const gateways = { mode: 'always', list };
    let laptop = await start({ gateways });
    const ids = [await online(laptop, 'a'), await online(laptop, 'b')] as const;
    const named = {
      gateways,
      security: { captivePortalProbe: false, networkNames: { [ids[0]]: 'The cabin' } },
    };
    await laptop.settings(named);
    await laptop.submit('by the other');
    await second.takes('by the other');
    await online(laptop, 'a');
    await laptop.submit('by the cabin');
    await first.takes('by the cabin');
    expect((await laptop.status()).network.name).toBe('The cabin');
    await laptop.emptied();
    await laptop.stop();

    laptop = await start(named);
    await laptop.statusUntil('its network', ({ network }) => network.online);
    const known = async (): Promise<readonly (readonly [string, string | null, boolean])[]> =>
      (await laptop.api('networks.list', {})).networks
        .map(({ id, givenName, current }) => [id, givenName, current] as const)
        .sort(([x], [y]) => ids.indexOf(x) - ids.indexOf(y));
    await expect.poll(known, { timeout: PATIENCE_MS }).toEqual([
      [ids[0], 'The cabin', true],
      [ids[1], null, false],
    ]);
    await laptop.api('networks.forget', { id: ids[1] });
    expect(await known()).toEqual([[ids[0], 'The cabin', true]]);
  });

  it('a log-in page that only our own probe finds holds the queue until it is gone; nothing of us is in the question', async () => {
    const { namespace, gateway } = net.lab.isps.a;
    const taken = await net.gateway('a');
    const child = net.lab.start(namespace, '/usr/bin/python3', ['-u', '-c', LOGIN_PAGE, gateway]);
    const page = new Lines<{ readonly asked?: string; readonly headers?: Readonly<Record<string, string>> }>(child);
    await page.until('the page', () => true);
    const gateways = net.through('a');
    const laptop = await net.program(
      { gateways, security: { captivePortalProbe: true } },
      { PORTAL_PAGE: `http://${gateway}/empty` },
    );
    await net.lab.plug('a');
    await laptop.statusUntil('the page is found', ({ network }) => network.portal);
    const before = taken.all.length;
    await laptop.submit('held');
    expect(await laptop.api('control.sendNow', {})).toEqual({ count: 0, phrase: { id: 'hold.captive-portal' } });
    const { state } = await laptop.statusUntil('the held message', ({ counts }) => counts.outbox === 1);
    expect(state).toBe('waiting-network');
    expect(taken.all).toHaveLength(before);
    expect(page.all[1]).toMatchObject({ asked: '/empty' });
    expect(Object.keys(page.all[1]?.headers ?? {}).map((name) => name.toLowerCase())).toEqual(
      expect.not.arrayContaining(['user-agent', 'cookie', 'referer', 'authorization', 'from']),
    );

    child.stdin.write('free\n');
    // It asks again every 15 s.
    await taken.takes('held');

    // Without the user's leave nobody is asked, whatever network comes.
    await laptop.settings({ gateways, security: { captivePortalProbe: false } });
    await net.lab.plug(null);
    await laptop.statusUntil('the loss', ({ network }) => !network.online);
    const asked = page.all.length;
    await net.lab.plug('a');
    await laptop.submit('unasked');
    await taken.takes('unasked');
    expect(page.all).toHaveLength(asked);
  });
});
