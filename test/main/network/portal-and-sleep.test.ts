import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createPortalProbe,
  interpretPortalReply,
  type PortalAnswer,
  type PortalReply,
} from '../../../main/network/portal-probe.ts';
import { sleptBetween, watchForSleep } from '../../../main/network/sleep.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

describe('interpretPortalReply', () => {
  it.each<[PortalReply | null, PortalAnswer]>([
    [{ status: 204, bodyLength: 0 }, 'free'],
    [{ status: 200, bodyLength: 0 }, 'free'],
    [{ status: 200, bodyLength: 1 }, 'portal'],
    [{ status: 301, bodyLength: 0 }, 'portal'],
    [{ status: 302, bodyLength: 90 }, 'portal'],
    [{ status: 307, bodyLength: 0 }, 'portal'],
    [{ status: 511, bodyLength: 90 }, 'portal'],
    [{ status: 403, bodyLength: 90 }, 'unknown'],
    [{ status: 404, bodyLength: 0 }, 'unknown'],
    [{ status: 503, bodyLength: 0 }, 'unknown'],
    [null, 'unknown'],
  ])('%j -> %s', (reply, answer) => {
    expect(interpretPortalReply(reply)).toBe(answer);
  });
});

describe('the portal probe', () => {
  let server: Server | null = null;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  async function serve(listener: RequestListener): Promise<string> {
    const started = createServer(listener);
    server = started;
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}/generate_204`;
  }
  const never = new AbortController().signal;

  it('finds the empty page, and says nothing of itself', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(...Object.keys(request.headers));
      response.writeHead(204).end();
    });
    expect(await createPortalProbe(url)(never)).toBe('free');
    expect(seen.sort()).toEqual(['accept', 'cache-control', 'connection', 'host']);
  });
  it('does not follow a redirect to a log-in page', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.writeHead(302, { location: '/login' }).end('please log in');
    });
    expect(await createPortalProbe(url)(never)).toBe('portal');
    expect(asked).toBe(1);
  });
  it('does not read an endless page', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200);
      response.write('<html>'.repeat(1000));
    });
    expect(await createPortalProbe(url)(never)).toBe('portal');
  });
  it('knows nothing when the connection is cut, refused or given up', async () => {
    const url = await serve((request) => request.socket.destroy());
    expect(await createPortalProbe(url)(never)).toBe('unknown');
    expect(await createPortalProbe('http://127.0.0.1:9/')(never)).toBe('unknown');
    expect(await createPortalProbe(url)(AbortSignal.abort())).toBe('unknown');
  });
});

describe('sleptBetween', () => {
  const minute = 60_000;
  it.each<[string, number, number, number]>([
    ['nothing unusual', 30_000, 30_000, 0],
    ['a busy computer', 40_000, 40_000, 0],
    ['asleep, monotonic clock stood still (Linux)', 10 * minute, 30_000, 10 * minute - 30_000],
    ['asleep, monotonic clock went on (macOS, SIGSTOP)', 10 * minute, 10 * minute, 10 * minute - 30_000],
    ['clock set back', -10 * minute, 30_000, 0],
    ['clock set forward', 60 * minute, 30_000, 60 * minute - 30_000],
    ['clock set back during a sleep that the monotonic clock slept through', -minute, 30_000, 0],
  ])('%s', (_what, wall, monotonic, slept) => {
    expect(sleptBetween({ wall: 1e12, monotonic: 5 }, { wall: 1e12 + wall, monotonic: 5 + monotonic }, 30_000)).toBe(
      slept,
    );
  });
});

describe('the watch for sleep', () => {
  const settle = async (): Promise<void> => Promise.resolve();

  it('tells of a jump of the clock once, and not of one that somebody else told of', async () => {
    const clock = new VirtualClock();
    const slept: number[] = [];
    const watch = watchForSleep(clock, (ms) => slept.push(ms));
    await clock.advance(120_000, settle);
    expect(slept).toEqual([]);
    clock.jump(3_600_000);
    await clock.advance(90_000, settle);
    expect(slept).toEqual([3_600_000]);
    clock.jump(3_600_000);
    watch.noticed();
    await clock.advance(90_000, settle);
    expect(slept).toHaveLength(1);
    watch.stop();
    clock.jump(3_600_000);
    await clock.advance(90_000, settle);
    expect(slept).toHaveLength(1);
  });
});
