import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatewaySchema, type GatewaySettings } from '../../../../shared/settings.ts';
import { isPhraseId } from '../../../../shared/phrases.ts';
import { createOAuth, type OAuth } from '../../../../main/secrets/oauth/oauth.ts';
import { providerOf } from '../../../../main/secrets/oauth/oauth-providers.ts';
import { SecretError, type SecretStore } from '../../../../main/secrets/secret-store.ts';
import { memorySecrets } from '../../../fakes/memory-secrets.ts';
import { startScriptedProvider, type ScriptedProvider } from '../../../fakes/scripted-oidc-provider.ts';
import { VirtualClock } from '../../../fakes/virtual-clock.ts';
import { keptLog } from '../../../support/engine-lab.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;

let provider: ScriptedProvider;
beforeEach(async () => {
  provider = await startScriptedProvider();
});
afterEach(() => provider.close());

function gatewayFor(more: object = {}): GatewaySettings {
  return gatewaySchema.parse({
    id: 'g1',
    name: 'Office',
    host: 'smtp.office.test',
    auth: 'oauth2',
    username: 'ann@office.test',
    oauthIssuer: provider.issuer,
    oauthClientId: 'client-1',
    ...more,
  });
}

/** Secrets in memory; `failing` makes it refuse to keep. */
function secretsOf() {
  const memory = memorySecrets();
  const control = {
    failing: null as SecretError | null,
    locked: false,
    protection: 'protected' as 'protected' | 'obfuscated' | 'none',
  };
  const store: SecretStore = {
    ...memory,
    get: (name) => (control.locked ? Promise.resolve(null) : memory.get(name)),
    set: (name, value, options) =>
      value !== null && control.failing ? Promise.reject(control.failing) : memory.set(name, value, options),
    state: () => ({ protection: control.protection, backend: 'test' }),
  };
  return { values: memory.all, bindings: memory.bindings, control, store };
}

function lab(browse: (url: string) => Promise<unknown> = (url) => provider.browser(url)) {
  const clock = new VirtualClock(Date.UTC(2026, 10, 23));
  const log = keptLog();
  const secrets = secretsOf();
  const opened: string[] = [];
  const way = { proxy: '', dnsServers: [] as readonly string[] };
  const make = (): OAuth =>
    createOAuth({
      clock,
      log,
      secrets: secrets.store,
      connection: () => way,
      openExternal: (url) => {
        opened.push(url);
        void browse(url).catch(() => undefined);
        return Promise.resolve();
      },
    });
  const oauth = make();
  const signIn = (gateway = gatewayFor(), options: { clientSecret?: string } = {}) =>
    oauth.signIn(gateway, { acceptObfuscated: false, ...options }, never);
  return { clock, log, secrets, opened, way, oauth, make, signIn };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function saysNoSecret(log: { readonly lines: readonly string[] }): void {
  expect(log.lines.join('\n')).not.toMatch(/(access|refresh)-secret|code-\d|client-secret/);
}

describe('signing in', () => {
  it('asks with PKCE S256 and a state, and keeps the tokens with the secrets only', async () => {
    const { oauth, signIn, opened, secrets, log } = lab();
    expect(oauth.needsSignIn(gatewayFor())).toBe('never-signed-in');
    expect(await signIn()).toEqual({ signedIn: true, needsConsent: false, phrase: { id: 'oauth.signed-in' } });
    const asked = new URL(opened[0] ?? '').searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect(asked.get('state')?.length).toBeGreaterThan(20);
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(asked.get('login_hint')).toBe('ann@office.test');
    expect([...secrets.values.keys()]).toEqual(['oauth:g1']);
    expect(oauth.needsSignIn(gatewayFor())).toBe('no');
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-1' });
    saysNoSecret(log);
  });

  it('gives the secret of the client to the provider, and keeps it for renewals', async () => {
    const { oauth, signIn, secrets, log } = lab();
    await signIn(gatewayFor(), { clientSecret: 'client-secret' });
    expect(provider.tokenRequests[0]?.get('client_secret')).toBe('client-secret');
    await oauth.token(gatewayFor(), true);
    expect(secrets.values.get('oauth-client:g1')).toBe('client-secret');
    saysNoSecret(log);
  });

  it.each([
    ['a wrong state', (back: URL) => back.searchParams.set('state', 'forged')],
    ['two states', (back: URL) => back.searchParams.append('state', 'forged')],
    ['no state', (back: URL) => back.searchParams.delete('state')],
    ['another path', (back: URL) => (back.pathname = '/elsewhere')],
  ])('turns %s away, and still takes the right answer', async (_name, tamper) => {
    const turned: number[] = [];
    const { signIn } = lab(async (url) => {
      turned.push((await provider.browser(url, tamper)).status);
      expect((await provider.browser(url)).status).toBe(200);
    });
    expect((await signIn()).signedIn).toBe(true);
    expect(turned[0]).toBeGreaterThanOrEqual(400);
    expect(provider.tokenRequests).toHaveLength(1);
  });

  it('turns a request for another host name away', async () => {
    const { signIn } = lab(async (url) => {
      const back = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
      const http = await import('node:http');
      const status = await new Promise<number>((resolve, reject) => {
        const query = `/?code=planted&state=${new URL(url).searchParams.get('state') ?? ''}`;
        http
          .get({ host: '127.0.0.1', port: back.port, path: query, headers: { host: 'evil.test' } }, (r) => {
            resolve(r.statusCode ?? 0);
          })
          .on('error', reject);
      });
      expect(status).toBe(400);
      await provider.browser(url);
    });
    expect((await signIn()).signedIn).toBe(true);
  });

  it('takes one answer: the port is closed after it', async () => {
    let redirect = '';
    const { signIn } = lab((url) => {
      redirect = new URL(url).searchParams.get('redirect_uri') ?? '';
      return provider.browser(url);
    });
    await signIn();
    await expect(fetch(redirect)).rejects.toThrow();
  });

  it('gives up on a port that is flooded', async () => {
    const { signIn } = lab(async (url) => {
      const redirect = new URL(url).searchParams.get('redirect_uri') ?? '';
      for (let i = 0; i < 60; i++) await fetch(`${redirect}/x`);
    });
    expect((await signIn()).phrase.id).toBe('oauth.flooded');
  });

  it.each([
    ['access_denied', 'oauth.declined', undefined],
    ['server_error', 'oauth.refused', 'server_error'],
    ['<script>alert(1)</script>', 'oauth.bad-provider', undefined],
  ])('says what error=%s means', async (error, phrase, code) => {
    const { signIn } = lab((url) =>
      provider.browser(url, (back) => {
        back.searchParams.delete('code');
        back.searchParams.set('error', error);
        back.searchParams.set('error_description', 'refresh-secret-9');
      }),
    );
    const result = await signIn();
    expect(result.signedIn).toBe(false);
    expect(result.phrase).toEqual(code === undefined ? { id: phrase } : { id: phrase, params: { code } });
    expect(provider.tokenRequests).toHaveLength(0);
  });

  it('ends after five minutes without an answer', async () => {
    const asked = deferred<string>();
    const { signIn, clock } = lab((url) => {
      asked.resolve(url);
      return Promise.resolve();
    });
    const result = signIn();
    const redirect = new URL(await asked.promise).searchParams.get('redirect_uri') ?? '';
    await clock.advance(5 * 60_000 + 1);
    expect((await result).phrase.id).toBe('oauth.timeout');
    await expect(fetch(redirect)).rejects.toThrow();
  });

  it('ends the first when a second one is begun', async () => {
    const asked = deferred<undefined>();
    let count = 0;
    const { signIn } = lab((url) => {
      asked.resolve(undefined);
      return ++count === 1 ? Promise.resolve() : provider.browser(url);
    });
    const first = signIn();
    await asked.promise;
    expect((await signIn()).signedIn).toBe(true);
    expect((await first).phrase.id).toBe('oauth.cancelled');
  });

  it.each([
    ['HTML', { text: '<html>log in to the hotel</html>' }, 'oauth.bad-provider'],
    ['a redirect', { redirect: 'http://portal.test/' }, 'oauth.bad-provider'],
    ['another issuer', { json: { issuer: 'https://other.test' } }, 'oauth.bad-provider'],
    ['a hang-up', 'hang-up', 'oauth.not-reachable'],
    ['an endless document', { text: 'x'.repeat(400_000), type: 'application/json' }, 'oauth.not-reachable'],
  ] as const)('survives %s instead of a discovery document', async (_name, answer, phrase) => {
    provider.answerDiscovery(answer);
    const { signIn, opened } = lab();
    expect((await signIn()).phrase.id).toBe(phrase);
    expect(opened).toEqual([]);
  });

  it('does not send the browser to an address that is not safe', async () => {
    provider.answerDiscovery({
      json: {
        issuer: provider.issuer,
        authorization_endpoint: 'file:///etc/passwd',
        token_endpoint: `${provider.issuer}/token`,
      },
    });
    const { signIn, opened } = lab();
    expect((await signIn()).phrase.id).toBe('oauth.bad-provider');
    expect(opened).toEqual([]);
  });

  it.each([
    ['garbage', { text: '}{' }, 'oauth.bad-provider'],
    ['an error', { status: 400, json: { error: 'invalid_client' } }, 'oauth.refused'],
    ['an answer without a token', { json: { token_type: 'Bearer' } }, 'oauth.bad-provider'],
    ['a hang-up', 'hang-up', 'oauth.not-reachable'],
  ] as const)('says so when the token endpoint answers with %s', async (_name, answer, phrase) => {
    provider.answerTokens(answer);
    const { signIn, secrets, log } = lab();
    expect((await signIn()).phrase.id).toBe(phrase);
    expect(secrets.values.size).toBe(0);
    saysNoSecret(log);
  });

  it.each([
    ['nothing is kept yet', 'none'],
    ['another secret is kept so already', 'obfuscated'],
  ] as const)('asks for consent where secrets would only be obfuscated: %s', async (_what, protection) => {
    const { oauth, secrets, opened } = lab();
    secrets.control.protection = protection;
    const result = await oauth.signIn(gatewayFor(), { acceptObfuscated: false }, never);
    expect(result).toMatchObject({ signedIn: false, needsConsent: true });
    expect(opened).toEqual([]);
  });

  it('says so when the tokens cannot be kept, and keeps none', async () => {
    const { oauth, signIn, secrets } = lab();
    secrets.control.failing = new SecretError('locked', 'The key ring is locked.');
    expect((await signIn()).phrase).toEqual({ id: 'oauth.not-stored', params: { detail: 'The key ring is locked.' } });
    expect(oauth.needsSignIn(gatewayFor())).toBe('never-signed-in');
  });

  it('has words for every outcome', () => {
    const ids = ['signed-in', 'signed-out', 'no-client-id', 'bad-issuer', 'not-oauth2', 'no-browser', 'no-port', 'timeout',
      'cancelled', 'flooded', 'declined', 'refused', 'not-reachable', 'bad-provider', 'not-stored']; // prettier-ignore
    expect(ids.filter((id) => !isPhraseId(`oauth.${id}`))).toEqual([]);
  });
});

describe('providers', () => {
  const choice = (oauthIssuer: string, oauthClientId = 'own') =>
    providerOf({ oauthIssuer, oauthClientId, oauthScope: '', host: 'h.test' });
  it.each(['google', 'microsoft'])('%s needs a client id, since none is registered', (name) => {
    expect(choice(name, '').kind).toBe('no-client-id');
  });
  it.each(['', 'ftp://x.test', 'http://login.test', 'https://user:pw@login.test', 'not a url'])(
    'refuses %j as an issuer',
    (issuer) => {
      expect(choice(issuer).kind).toBe('bad-issuer');
    },
  );
  it.each([
    ['google', 'https://oauth2.googleapis.com/token', 'https://mail.google.com/'],
    ['microsoft', 'https://login.microsoftonline.com/common/oauth2/v2.0/token', 'https://outlook.office.com/SMTP.Send offline_access'],
    ['https://login.microsoftonline.com/contoso.test/v2.0', 'https://login.microsoftonline.com/contoso.test/oauth2/v2.0/token', 'https://outlook.office.com/SMTP.Send offline_access'],
  ])('%s: token endpoint and scope', (issuer, endpoint, scope) => {
    const found = choice(issuer);
    expect(found.kind === 'provider' && [found.provider.server?.token_endpoint, found.provider.scope]).toEqual([endpoint, scope]);
  }); // prettier-ignore
});

describe('tokens', () => {
  it('are renewed before they expire, and only then', async () => {
    const { oauth, signIn, clock } = lab();
    await signIn();
    await clock.advance(HOUR - 6 * 60_000);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-1' });
    await clock.advance(2 * 60_000);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-2' });
    expect(provider.tokenRequests.at(-1)?.get('refresh_token')).toBe('refresh-secret-1');
  });

  it('are renewed once for many that ask at the same time', async () => {
    const { oauth, signIn, clock } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    const all = await Promise.all(Array.from({ length: 10 }, () => oauth.token(gatewayFor(), false)));
    expect(new Set(all.map((a) => a.kind === 'token' && a.token))).toEqual(new Set(['access-secret-2']));
    expect(provider.tokenRequests).toHaveLength(2);
  });

  it('are renewed when a server refused one, but not again within a minute', async () => {
    const { oauth, signIn, clock } = lab();
    await signIn();
    await clock.advance(2 * 60_000);
    expect(await oauth.token(gatewayFor(), true)).toEqual({ kind: 'token', token: 'access-secret-2' });
    expect(await oauth.token(gatewayFor(), true)).toEqual({ kind: 'token', token: 'access-secret-2' });
    expect(provider.tokenRequests).toHaveLength(2);
  });

  it('survive a restart with the rotated refresh token', async () => {
    const { oauth, signIn, clock, make } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    await oauth.token(gatewayFor(), false);
    const again = make();
    expect(again.needsSignIn(gatewayFor())).toBe('no');
    await clock.advance(2 * HOUR);
    expect(await again.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-3' });
  });

  it.each([
    ['no answer', 'hang-up'],
    ["a captive portal's page", { text: '<html>pay first</html>' }],
    ['a redirect', { redirect: 'http://portal.test/' }],
    ['a server error', { status: 503, text: 'busy' }],
    ['an unknown error', { status: 400, json: { error: 'temporarily_unavailable' } }],
  ] as const)('%s for days does not end the sign-in', async (_name, answer) => {
    const { oauth, signIn, clock, log } = lab();
    await signIn();
    provider.answerTokens(answer);
    for (let day = 0; day < 5; day++) {
      await clock.advance(24 * HOUR);
      expect((await oauth.token(gatewayFor(), false)).kind).toBe('later');
      expect(oauth.needsSignIn(gatewayFor())).toBe('no');
    }
    provider.answerTokens(null);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-2' });
    saysNoSecret(log);
  });

  it('that still live are used while they cannot be renewed', async () => {
    const { oauth, signIn, clock } = lab();
    await signIn();
    provider.answerTokens('hang-up');
    await clock.advance(HOUR - 60_000);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-1' });
    expect((await oauth.token(gatewayFor(), true)).kind).toBe('later');
  });

  it('give up on a silent provider in bounded time', async () => {
    const { oauth, signIn, clock } = lab();
    await signIn();
    provider.answerTokens('silence');
    await clock.advance(2 * HOUR);
    const answer = oauth.token(gatewayFor(), false);
    while (provider.tokenRequests.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(20_001);
    expect((await answer).kind).toBe('later');
  });

  it('end with invalid_grant: told once, paused without asking the provider again, until the user signs in', async () => {
    const { oauth, signIn, clock, log, secrets } = lab();
    await signIn();
    let told = 0;
    oauth.onChange(() => told++);
    provider.answerTokens({ status: 400, json: { error: 'invalid_grant', error_description: 'refresh-secret-1' } });
    await clock.advance(2 * HOUR);
    for (let i = 0; i < 3; i++) expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'sign-in-needed' });
    expect(told).toBe(1);
    expect(provider.tokenRequests).toHaveLength(2);
    expect(oauth.needsSignIn(gatewayFor())).toBe('ended');
    expect(secrets.values.size).toBe(0);
    provider.answerTokens(null);
    expect((await signIn()).signedIn).toBe(true);
    expect(oauth.needsSignIn(gatewayFor())).toBe('no');
    saysNoSecret(log);
  });

  it.each([
    ['host', { host: 'smtp.evil.test' }],
    ['user', { username: 'bob@office.test' }],
    ['client', { oauthClientId: 'client-2' }],
    ['port', { port: 25 }],
    ['security', { security: 'none', allowInsecureAuth: true }],
  ])('are not given to another %s under the same id', async (_name, change) => {
    const { oauth, signIn } = lab();
    await signIn();
    expect(await oauth.token(gatewayFor(change), false)).toEqual({ kind: 'sign-in-needed' });
    expect(oauth.needsSignIn(gatewayFor(change))).toBe('never-signed-in');
    expect((await oauth.token(gatewayFor(), false)).kind).toBe('token');
  });

  it('are not used over a proxy or DNS servers that came with a settings file', async () => {
    const { oauth, signIn, clock, way } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    way.dnsServers = ['203.0.113.53'];
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'sign-in-needed' });
    expect(oauth.needsSignIn(gatewayFor())).toBe('never-signed-in');
    // Neither is the provider asked, nor told of a sign-out.
    await oauth.signOut(gatewayFor());
    expect([provider.tokenRequests.length, provider.revoked]).toEqual([1, []]);
  });

  it("keep what they were given for when they are renewed, and the client's secret goes to its provider only", async () => {
    const { oauth, signIn, clock, secrets } = lab();
    await signIn(gatewayFor(), { clientSecret: 'client-secret' });
    const given = secrets.bindings.get('oauth:g1');
    await clock.advance(2 * HOUR);
    expect((await oauth.token(gatewayFor(), false)).kind).toBe('token');
    expect(secrets.bindings.get('oauth:g1')).toEqual(given);
    expect(provider.tokenRequests[1]?.get('client_secret')).toBe('client-secret');
    // Another client, or the same one at another provider: what is kept is not theirs.
    await signIn(gatewayFor({ oauthClientId: 'client-2' }));
    expect(provider.tokenRequests[2]?.get('client_secret')).toBeNull();
    const thief = await startScriptedProvider();
    try {
      await oauth.signIn(gatewayFor({ oauthIssuer: thief.issuer }), { acceptObfuscated: false }, never);
      expect(thief.tokenRequests.map((request) => request.get('client_secret'))).toEqual([null]);
    } finally {
      await thief.close();
    }
  });

  it('wait while the key store is locked', async () => {
    const { signIn, secrets, make } = lab();
    await signIn();
    secrets.control.locked = true;
    expect((await make().token(gatewayFor(), false)).kind).toBe('later');
  });

  it('are used from memory and written later when they cannot be kept', async () => {
    const { oauth, signIn, clock, secrets, log } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    secrets.control.failing = new SecretError('write', 'disk full');
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'token', token: 'access-secret-2' });
    secrets.control.failing = null;
    await oauth.token(gatewayFor(), false);
    expect(secrets.values.get('oauth:g1')).toContain('refresh-secret-2');
    saysNoSecret(log);
  });

  it('are gone after signing out, and the provider is told', async () => {
    const { oauth, signIn, secrets, log } = lab();
    await signIn();
    await oauth.signOut(gatewayFor());
    expect(secrets.values.size).toBe(0);
    expect(provider.revoked).toEqual(['refresh-secret-1']);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'sign-in-needed' });
    saysNoSecret(log);
  });

  it('that were being renewed while the user signed out do not come back', async () => {
    const { oauth, signIn, clock, secrets } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    const answer = oauth.token(gatewayFor(), false);
    await oauth.signOut(gatewayFor());
    expect((await answer).kind).toBe('later');
    expect(secrets.values.size).toBe(0);
  });

  it('that were being renewed while the gateway was removed do not come back, nor does a sign-in that was under way', async () => {
    const { oauth, signIn, clock, secrets } = lab();
    await signIn();
    await clock.advance(2 * HOUR);
    const answer = oauth.token(gatewayFor(), false);
    oauth.gone('g1');
    await secrets.store.set('oauth:g1', null, { acceptObfuscated: true });
    expect((await answer).kind).toBe('later');
    expect(secrets.values.size).toBe(0);
    expect(await oauth.token(gatewayFor(), false)).toEqual({ kind: 'sign-in-needed' });

    const slow = lab((url) => {
      slow.oauth.gone('g1');
      return provider.browser(url);
    });
    expect((await slow.signIn()).signedIn).toBe(false);
    expect(slow.secrets.values.size).toBe(0);
  });
});
