/** Whatever ends the program: what it accepted arrives (standards §3). Real Electron, Postfix's smtp-source and smtp-sink. */
import { afterEach, expect, it } from 'vitest';
import {
  eventually,
  makeProfile,
  postcast,
  postcastJson,
  smtpSource,
  startProgram,
  throughGateway,
  type RunningProgram,
  type TestProfile,
} from '../support/program.ts';
import { freePort } from '../support/ports.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import type { AppStatus } from '../../shared/status.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function profileFor(port: number): Promise<TestProfile> {
  const profile = await makeProfile(throughGateway(port));
  undo.push(() => profile.remove());
  return profile;
}

async function start(profile: TestProfile): Promise<RunningProgram> {
  const program = await startProgram(profile);
  undo.push(() => program.end('SIGKILL'));
  return program;
}

async function sink(port?: number): ReturnType<typeof startSmtpSink> {
  const started = await startSmtpSink(port);
  undo.push(() => started.close());
  return started;
}

const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${i + 1}recipient@local.test`).sort();
const counts = async (profile: TestProfile): Promise<AppStatus['counts']> =>
  (await postcastJson<AppStatus>(profile, ['status'])).counts;

it('mail accepted while the gateway is down survives SIGKILL and all of it arrives once', async () => {
  const gatewayPort = await freePort();
  const profile = await profileFor(gatewayPort);
  const first = await start(profile);
  await smtpSource(profile.port, 60, 6);
  expect(await counts(profile)).toMatchObject({ outbox: 60, sent: 0 });
  expect(await first.end('SIGKILL')).toBe('SIGKILL');

  const gateway = await sink(gatewayPort);
  await start(profile);
  await eventually('all is in Sent', () => counts(profile)).toMatchObject({ outbox: 0, sent: 60 });
  expect([...gateway.recipients()].sort()).toEqual(numbered(60));
});

it('SIGKILL in the middle of sending loses nothing, and doubles no more than was under way', async () => {
  const total = 400;
  const gateway = await sink();
  const profile = await profileFor(gateway.port);
  const first = await start(profile);
  expect((await postcast(profile, ['pause'])).code).toBe(0);
  await smtpSource(profile.port, total, 10);
  expect((await postcast(profile, ['resume'])).code).toBe(0);
  await eventually('some have arrived', () => gateway.recipients().length > 20).toBe(true);
  await first.end('SIGKILL');
  const before = gateway.recipients().length;
  expect(before, 'the kill came too late to tell anything').toBeLessThan(total);

  await start(profile);
  await eventually('all is in Sent', () => counts(profile)).toMatchObject({ outbox: 0, sent: total });
  const arrived = gateway.recipients();
  expect([...new Set(arrived)].sort()).toEqual(numbered(total));
  // connection.maxOutgoing is 20: no more may be sent and stand in no record.
  expect(arrived.length - total).toBeLessThanOrEqual(20);
});

it('SIGTERM ends it cleanly: exit code 0, nothing lost, nothing doubled', async () => {
  const total = 200;
  const gateway = await sink();
  const profile = await profileFor(gateway.port);
  const first = await start(profile);
  expect((await postcast(profile, ['pause'])).code).toBe(0);
  await smtpSource(profile.port, total, 10);
  expect((await postcast(profile, ['resume'])).code).toBe(0);
  await eventually('some have arrived', () => gateway.recipients().length > 0).toBe(true);
  expect(await first.end('SIGTERM'), first.output()).toBe(0);

  await start(profile);
  await eventually('all is in Sent', () => counts(profile)).toMatchObject({ outbox: 0, sent: total });
  expect([...gateway.recipients()].sort()).toEqual(numbered(total));
});
