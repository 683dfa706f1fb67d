/** A thousand messages at once, through the program in real Electron. How fast is no matter here: see `npm run bench`. */
import { expect, it } from 'vitest';
import { eventually, makeProfile, postcastJson, smtpSource, startProgram, throughGateway } from '../support/program.ts';
import { startSmtpSink } from '../support/smtp-sink.ts';
import type { AppStatus } from '../../shared/status.ts';

it('1,000 messages from ten sessions of smtp-source all get to smtp-sink, once', { timeout: 180_000 }, async () => {
  const sink = await startSmtpSink();
  const profile = await makeProfile(throughGateway(sink.port));
  const program = await startProgram(profile);
  try {
    await smtpSource(profile.port, 1000, 10);
    const counts = async (): Promise<AppStatus['counts']> =>
      (await postcastJson<AppStatus>(profile, ['status'])).counts;
    await eventually('all is in Sent', counts, 120_000).toMatchObject({ outbox: 0, sent: 1000, bad: 0, bounced: 0 });
    const arrived = sink.recipients();
    expect(arrived).toHaveLength(1000);
    expect(new Set(arrived).size).toBe(1000);
  } finally {
    await program.end('SIGTERM');
    await profile.remove();
    await sink.close();
  }
});
