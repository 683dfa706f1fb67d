/** What the program knows of the networks that it was on: their names, kept across restarts, forgotten on request; and log-in pages. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepDuringTest, keepUntilEnd } from '../support/kept.ts';
import { createNetworkLab, labMissing, networkOf, type Isp, type NetworkLab } from '../support/netns.ts';
import {
  bundleProgram,
  Lines,
  startGateway,
  startProgramInLab,
  type Arrival,
  type ProgramBundle,
  type ProgramInLab,
} from '../support/laptop.ts';

const missing = labMissing();
if (missing !== null) console.warn(`network laboratory skipped: ${missing}`);

/** A machine that is busy with other tests takes ten times as long as this laboratory by itself. */
const PATIENCE_MS = 60_000;

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

describe.skipIf(missing !== null)(
  'the whole program and the networks that it comes to know',
  { timeout: 300_000 },
  () => {
    const keepBundle = keepUntilEnd();
    const keep = keepDuringTest();
    let bundle: ProgramBundle;
    let lab: NetworkLab;
    let program: ProgramInLab | null = null;

    beforeAll(async () => {
      bundle = keepBundle(await bundleProgram());
    });
    beforeEach(async () => {
      lab = keep(await createNetworkLab());
    });
    afterEach(async () => {
      await program?.stop();
      program = null;
    });

    const gatewayOf = (isp: Isp): Promise<Lines<Arrival>> =>
      startGateway(lab, {
        namespace: lab.isps[isp].namespace,
        address: lab.isps[isp].gateway,
        customers: networkOf(lab.isps[isp]),
      });
    const online = async (laptop: ProgramInLab, isp: Isp): Promise<string> => {
      await lab.plug(isp);
      const { network } = await laptop.statusUntil(
        `provider ${isp}`,
        (s) => s.network.links.some(({ addresses }) => addresses.includes(lab.isps[isp].laptop)),
        PATIENCE_MS,
      );
      return network.id ?? '';
    };

    it('a name that the user gave limits a gateway to its network; networks are kept across a restart, and forgotten', async () => {
      const profile = mkdtempSync(path.join(tmpdir(), 'postcast-known-'));
      mkdirSync(path.join(profile, 'logs'));
      const start = async (settings: object): Promise<ProgramInLab> => {
        program = await startProgramInLab(lab, bundle, settings, { PROFILE: profile });
        return program;
      };
      try {
        const [first, second] = [await gatewayOf('a'), await gatewayOf('b')];
        const list = [
          { id: 'a', name: 'Cabin', host: lab.isps.a.gateway, networks: ['The cabin'] },
          { id: 'b', name: 'Anywhere', host: lab.isps.b.gateway },
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
        await second.until('mail by the gateway for anywhere', ({ id }) => id === 'by the other', PATIENCE_MS);
        await online(laptop, 'a');
        await laptop.submit('by the cabin');
        await first.until('mail by the gateway of the cabin', ({ id }) => id === 'by the cabin', PATIENCE_MS);
        expect((await laptop.status()).network.name).toBe('The cabin');
        await laptop.statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0, PATIENCE_MS);
        await laptop.stop();

        laptop = await start(named);
        await laptop.statusUntil('its network', ({ network }) => network.online, PATIENCE_MS);
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
      } finally {
        await program?.stop();
        program = null;
        rmSync(profile, { recursive: true, force: true });
      }
    });

    it('a log-in page that only our own probe finds holds the queue until it is gone; nothing of us is in the question', async () => {
      const { namespace, gateway } = lab.isps.a;
      const taken = await gatewayOf('a');
      const child = lab.start(namespace, '/usr/bin/python3', ['-u', '-c', LOGIN_PAGE, gateway]);
      const page = new Lines<{ readonly asked?: string; readonly headers?: Readonly<Record<string, string>> }>(child);
      await page.until('the page', () => true);
      const gateways = { mode: 'always', list: [{ id: 'a', name: 'Provider', host: gateway }] };
      const laptop = await startProgramInLab(
        lab,
        bundle,
        { gateways, security: { captivePortalProbe: true } },
        { PORTAL_PAGE: `http://${gateway}/empty` },
      );
      program = laptop;
      await lab.plug('a');
      await laptop.statusUntil('the page is found', ({ network }) => network.portal, PATIENCE_MS);
      const before = taken.all.length;
      await laptop.submit('held');
      expect(await laptop.api('control.sendNow', {})).toEqual({ count: 0, phrase: { id: 'hold.captive-portal' } });
      const { state } = await laptop.statusUntil('the held message', ({ counts }) => counts.outbox === 1, PATIENCE_MS);
      expect(state).toBe('waiting-network');
      expect(taken.all).toHaveLength(before);
      expect(page.all[1]).toMatchObject({ asked: '/empty' });
      expect(Object.keys(page.all[1]?.headers ?? {}).map((name) => name.toLowerCase())).toEqual(
        expect.not.arrayContaining(['user-agent', 'cookie', 'referer', 'authorization', 'from']),
      );

      child.stdin.write('free\n');
      // It asks again every 15 s.
      await taken.until('the message', ({ id }) => id === 'held', 60_000);

      // Without the user's leave nobody is asked, whatever network comes.
      await laptop.settings({ gateways, security: { captivePortalProbe: false } });
      await lab.plug(null);
      await laptop.statusUntil('the loss', ({ network }) => !network.online, PATIENCE_MS);
      const asked = page.all.length;
      await lab.plug('a');
      await laptop.submit('unasked');
      await taken.until('the message', ({ id }) => id === 'unasked', PATIENCE_MS);
      expect(page.all).toHaveLength(asked);
    });
  },
);
