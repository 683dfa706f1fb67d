import http from 'node:http';
import type net from 'node:net';
import { createHash } from 'node:crypto';

type Answer =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string; readonly type?: string }
  | { readonly redirect: string }
  | 'silence'
  | 'hang-up';

export interface ScriptedProvider {
  readonly issuer: string;
  /** Bodies that came to the token endpoint. */
  readonly tokenRequests: readonly URLSearchParams[];
  readonly revoked: readonly string[];
  readonly discoveries: () => number;
  /** What the token endpoint answers from now on; null = as a proper provider. */
  answerTokens(answer: Answer | ((body: URLSearchParams) => Answer) | null): void;
  answerDiscovery(answer: Answer | null): void;
  /** Lifetime of new access tokens in seconds. */
  lifetime: number;
  /** Access tokens that it gave, the newest last. */
  readonly given: readonly string[];
  /** A user who consents: takes the authorization URL, comes back to the redirect. `tamper` changes what is brought along. */
  browser(url: string, tamper?: (back: URL) => void): Promise<Response>;
  close(): Promise<void>;
}

/** An OIDC provider on a free loopback port: discovery, code grant with PKCE, refresh with rotation, revocation. */
export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const tokenRequests: URLSearchParams[] = [];
  const revoked: string[] = [];
  const given: string[] = [];
  const codes = new Map<string, { readonly challenge: string; readonly redirect: string; readonly client: string }>();
  let refresh = '';
  let count = 0;
  let discoveries = 0;
  let tokens: Answer | ((body: URLSearchParams) => Answer) | null = null;
  let discovery: Answer | null = null;
  const state = { lifetime: 3600 };

  const issue = (): Answer => {
    count++;
    refresh = `refresh-secret-${count}`;
    given.push(`access-secret-${count}`);
    return {
      json: {
        access_token: `access-secret-${count}`,
        token_type: 'Bearer',
        expires_in: state.lifetime,
        refresh_token: refresh,
      },
    };
  };
  const proper = (body: URLSearchParams): Answer => {
    if (body.get('grant_type') === 'refresh_token') {
      return body.get('refresh_token') === refresh ? issue() : { status: 400, json: { error: 'invalid_grant' } };
    }
    const code = codes.get(body.get('code') ?? '');
    const verifier = body.get('code_verifier') ?? '';
    const fits =
      code?.challenge === createHash('sha256').update(verifier).digest('base64url') &&
      code.redirect === body.get('redirect_uri') &&
      code.client === body.get('client_id');
    return fits ? issue() : { status: 400, json: { error: 'invalid_grant' } };
  };

  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', issuer);
      const send = (answer: Answer): void => {
        if (answer === 'silence') return;
        if (answer === 'hang-up') request.socket.destroy();
        else if ('redirect' in answer) response.writeHead(302, { location: answer.redirect }).end();
        else if ('json' in answer)
          response
            .writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
            .end(JSON.stringify(answer.json));
        else response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'text/html' }).end(answer.text);
      };
      if (url.pathname === '/.well-known/openid-configuration') {
        discoveries++;
        send(
          discovery ?? {
            json: {
              issuer,
              authorization_endpoint: `${issuer}/authorize`,
              token_endpoint: `${issuer}/token`,
              revocation_endpoint: `${issuer}/revoke`,
              code_challenge_methods_supported: ['S256'],
            },
          },
        );
      } else if (url.pathname === '/authorize') {
        const back = new URL(url.searchParams.get('redirect_uri') ?? '');
        const code = `code-${codes.size + 1}`;
        codes.set(code, {
          challenge:
            url.searchParams.get('code_challenge_method') === 'S256'
              ? (url.searchParams.get('code_challenge') ?? '')
              : 'none',
          redirect: url.searchParams.get('redirect_uri') ?? '',
          client: url.searchParams.get('client_id') ?? '',
        });
        back.searchParams.set('code', code);
        back.searchParams.set('state', url.searchParams.get('state') ?? '');
        send({ redirect: back.href });
      } else if (url.pathname === '/token') {
        const body = new URLSearchParams(text);
        tokenRequests.push(body);
        send(typeof tokens === 'function' ? tokens(body) : (tokens ?? proper(body)));
      } else if (url.pathname === '/revoke') {
        revoked.push(new URLSearchParams(text).get('token') ?? '');
        send({ text: '' });
      } else send({ status: 404, text: 'no' });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;

  return {
    issuer,
    tokenRequests,
    revoked,
    given,
    discoveries: () => discoveries,
    answerTokens(answer) {
      tokens = answer;
    },
    answerDiscovery(answer) {
      discovery = answer;
    },
    get lifetime() {
      return state.lifetime;
    },
    set lifetime(seconds) {
      state.lifetime = seconds;
    },
    async browser(url, tamper) {
      const consent = await fetch(url, { redirect: 'manual' });
      const back = new URL(consent.headers.get('location') ?? '');
      tamper?.(back);
      return fetch(back);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
