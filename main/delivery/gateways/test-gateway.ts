/** Settings ▸ SMTP Gateways ▸ Test (spec §3.4): DNS, connect, TLS, sign-in, null transaction, each in words. */
import type { Phrase, SmtpPhase, SmtpReply } from '../../../shared/mail.ts';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { misfitPhrase } from '../../../shared/secret-binding.ts';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { isEmailAddress } from '../../../shared/syntax.ts';
import type { GatewayTargetDeps } from './open-gateway.ts';
import { openGateway } from './open-gateway.ts';
import type { SessionFailure } from '../../smtp/open-session.ts';
import type { SmtpSession } from '../../smtp/session.ts';
import type { Clock } from '../../runtime/clock.ts';
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

/** A test that is running: what each step came to, and how long it took. */
interface TestRun {
  readonly clock: Clock;
  readonly gateway: GatewaySettings;
  readonly results: Map<StepName, TestStep>;
  /** Ms by step. */
  readonly spent: Map<StepName, number>;
  at: StepName;
  /** Monotonic ms. */
  since: number;
}

/** All five steps, in order; those that were not reached or not needed have `ok` null. Never rejects. */
export async function testGateway(
  deps: GatewayTargetDeps,
  gateway: GatewaySettings,
  secret: string | null,
  signal: AbortSignal,
): Promise<readonly TestStep[]> {
  const { clock } = deps;
  const run: TestRun = {
    clock,
    gateway,
    results: new Map(),
    spent: new Map(),
    at: 'dns',
    since: clock.monotonic(),
  };
  const session = await openGateway(deps, gateway, signal, {
    signIn: true,
    secret,
    onResolved: (answer) => {
      enter(run, 'connect');
      const addresses = answer.kind === 'found' ? answer.records.map((r) => r.address).join(', ') : '';
      const phrase = { id: `gateway.test.dns.${answer.kind}`, params: { host: gateway.host, addresses } };
      put(run, 'dns', answer.kind === 'found', phrase);
    },
    onPhase: (phase) => {
      enter(run, stepOf(phase));
    },
  });
  enter(run, 'transaction');
  if (session.kind === 'failed') putFailure(run, session);
  else {
    putSession(run, session);
    await testTransaction(run, session);
    await session.quit();
  }
  return STEPS.map(
    (step) =>
      run.results.get(step) ?? { step, ok: null, phrase: { id: 'gateway.test.notReached' }, detail: null, ms: 0 },
  );
}

/** The time until now is that of the step before. */
function enter(run: TestRun, step: StepName): void {
  const now = run.clock.monotonic();
  run.spent.set(run.at, (run.spent.get(run.at) ?? 0) + now - run.since);
  run.since = now;
  run.at = step;
}

function put(
  { results, spent }: TestRun,
  step: StepName,
  ok: boolean | null,
  phrase: Phrase,
  detail: string | null = null,
  ms: number = spent.get(step) ?? 0,
): void {
  results.set(step, { step, ok, phrase, detail, ms: Math.max(0, Math.round(ms)) });
}

/** The step that failed, and those before it, which went well. */
function putFailure(run: TestRun, failure: SessionFailure): void {
  const { results, gateway } = run;
  const place = { host: gateway.host, port: gateway.port };
  const failed = stepOf(failure.phase);
  const detail = words(failure.reply);
  const why = failure.trouble ? troubleWords(failure.trouble) : (detail ?? '');
  if (!results.has(failed) || failed !== 'dns')
    put(run, failed, false, failedWords(failure, failed, { ...place, why }), detail);
  if (failure.trouble?.kind === 'no-secret') return;
  for (const step of STEPS.slice(0, STEPS.indexOf(failed))) {
    if (results.has(step)) continue;
    const withoutTls = step === 'tls' && !failure.tls;
    const params = { ...place, tls: failure.tls?.protocol ?? '' };
    put(run, step, withoutTls ? null : true, {
      id: withoutTls ? 'gateway.test.tls.none' : `gateway.test.${step}.ok`,
      params,
    });
  }
}

/** Connecting, TLS and sign-in went well. */
function putSession(run: TestRun, { address, tls }: SmtpSession): void {
  const { gateway } = run;
  const place = { host: gateway.host, port: gateway.port };
  put(run, 'connect', true, { id: 'gateway.test.connect.ok', params: { ...place, address: address.address } });
  if (tls) {
    const id = tls.verified ? 'gateway.test.tls.ok' : 'gateway.test.tls.unverified';
    put(run, 'tls', true, { id, params: { ...place, tls: tls.protocol } }, tls.cipher ?? null);
  } else put(run, 'tls', null, { id: 'gateway.test.tls.none' }, null, 0);
  if (gateway.auth === 'none') put(run, 'sign-in', null, { id: 'gateway.test.sign-in.none' }, null, 0);
  else put(run, 'sign-in', true, { id: 'gateway.test.sign-in.ok', params: { user: gateway.username } });
}

async function testTransaction(run: TestRun, session: SmtpSession): Promise<void> {
  const { clock, gateway } = run;
  const began = clock.monotonic();
  // Many submission servers refuse the null sender: the account's own address is what will be used.
  const sender = isEmailAddress(gateway.username) ? gateway.username : null;
  const { reply, trouble } = await session.nullTransaction(sender);
  const ok = reply !== null && reply.code < 300;
  const id = ok ? 'gateway.test.transaction.ok' : 'gateway.test.transaction.refused';
  const why = words(reply) ?? (trouble ? troubleWords(trouble) : '');
  put(run, 'transaction', ok, { id, params: { why } }, words(reply), clock.monotonic() - began);
}
