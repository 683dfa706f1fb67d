/** Settings ▸ SMTP Gateways ▸ Test (spec §3.4): DNS, connect, TLS, sign-in, null transaction, each in words. */
import type { Phrase, SmtpPhase, SmtpReply } from '../../../shared/mail.ts';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { misfitPhrase } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { isEmailAddress } from '../../../shared/syntax.ts';
import type { GatewayTargetDeps } from './open-gateway.ts';
import { openGateway } from './open-gateway.ts';
import type { SessionFailure } from '../../smtp/open-session.ts';
import { troubleWords } from '../../smtp/trouble-words.ts';

type StepName = TestStep['step'];
const STEPS: readonly StepName[] = ['dns', 'connect', 'tls', 'sign-in', 'transaction'];

function stepOf(phase: SmtpPhase): StepName {
  if (phase === 'dns') return 'dns';
  if (phase === 'starttls' || phase === 'tls') return 'tls';
  if (phase === 'auth') return 'sign-in';
  return phase === 'connect' || phase === 'greeting' || phase === 'ehlo' ? 'connect' : 'transaction';
}

function words(reply: SmtpReply | null): string | null {
  return reply ? `${reply.code} ${reply.enhanced ?? ''} ${reply.text}`.replace(/\s+/g, ' ').trim() : null;
}

function failedWords({ trouble }: SessionFailure, step: StepName, params: NonNullable<Phrase['params']>): Phrase {
  if (trouble?.kind !== 'no-secret') return { id: `gateway.test.${step}.${trouble ? 'failed' : 'refused'}`, params };
  return trouble.why
    ? misfitPhrase(trouble.use ?? 'password', trouble.why)
    : { id: 'gateway.test.sign-in.no-secret', params };
}

/** All five steps, in order; those that were not reached or not needed have `ok` null. Never rejects. */
export async function testGateway(
  deps: GatewayTargetDeps,
  gateway: GatewaySettings,
  secret: string | null,
  signal: AbortSignal,
): Promise<readonly TestStep[]> {
  const { clock } = deps;
  const done = new Map<StepName, TestStep>();
  const say = (step: StepName, ok: boolean | null, phrase: Phrase, detail: string | null, ms: number): void => {
    done.set(step, { step, ok, phrase, detail, ms: Math.max(0, Math.round(ms)) });
  };
  let began = clock.monotonic();
  const lap = (): number => {
    const now = clock.monotonic();
    const ms = now - began;
    began = now;
    return ms;
  };
  const spent = new Map<StepName, number>();
  let at: StepName = 'dns';
  const enter = (step: StepName): void => {
    spent.set(at, (spent.get(at) ?? 0) + lap());
    at = step;
  };

  let addresses = '';
  const session = await openGateway(deps, gateway, signal, {
    signIn: true,
    secret,
    onResolved: (answer) => {
      enter('connect');
      if (answer.kind === 'found') addresses = answer.records.map((r) => r.address).join(', ');
      say(
        'dns',
        answer.kind === 'found',
        { id: `gateway.test.dns.${answer.kind}`, params: { host: gateway.host, addresses } },
        null,
        spent.get('dns') ?? 0,
      );
    },
    onPhase: (phase) => {
      enter(stepOf(phase));
    },
  });
  enter('transaction');
  const place = { host: gateway.host, port: gateway.port };

  if (session.kind === 'failed') {
    const failed = stepOf(session.phase);
    const detail = words(session.reply);
    const why = session.trouble ? troubleWords(session.trouble) : (detail ?? '');
    if (!done.has(failed) || failed !== 'dns') {
      say(failed, false, failedWords(session, failed, { ...place, why }), detail, spent.get(failed) ?? 0);
    }
    for (const step of STEPS.slice(0, STEPS.indexOf(failed))) {
      if (!done.has(step) && session.trouble?.kind !== 'no-secret')
        say(
          step,
          step === 'tls' && !session.tls ? null : true,
          {
            id: step === 'tls' && !session.tls ? 'gateway.test.tls.none' : `gateway.test.${step}.ok`,
            params: { ...place, tls: session.tls?.protocol ?? '' },
          },
          null,
          spent.get(step) ?? 0,
        );
    }
  } else {
    say(
      'connect',
      true,
      { id: 'gateway.test.connect.ok', params: { ...place, address: session.address.address } },
      null,
      spent.get('connect') ?? 0,
    );
    const { tls } = session;
    if (!tls) say('tls', null, { id: 'gateway.test.tls.none' }, null, 0);
    else
      say(
        'tls',
        true,
        {
          id: tls.verified ? 'gateway.test.tls.ok' : 'gateway.test.tls.unverified',
          params: { ...place, tls: tls.protocol },
        },
        tls.cipher ?? null,
        spent.get('tls') ?? 0,
      );
    if (gateway.auth === 'none') say('sign-in', null, { id: 'gateway.test.sign-in.none' }, null, 0);
    else
      say(
        'sign-in',
        true,
        { id: 'gateway.test.sign-in.ok', params: { user: gateway.username } },
        null,
        spent.get('sign-in') ?? 0,
      );
    lap();
    // Many submission servers refuse the null sender: the account's own address is what will be used.
    const { reply, trouble } = await session.nullTransaction(
      isEmailAddress(gateway.username) ? gateway.username : null,
    );
    const ok = reply !== null && reply.code < 300;
    say(
      'transaction',
      ok,
      {
        id: ok ? 'gateway.test.transaction.ok' : 'gateway.test.transaction.refused',
        params: { why: words(reply) ?? (trouble ? troubleWords(trouble) : '') },
      },
      words(reply),
      lap(),
    );
    await session.quit();
  }
  return STEPS.map(
    (step) => done.get(step) ?? { step, ok: null, phrase: { id: 'gateway.test.notReached' }, detail: null, ms: 0 },
  );
}
