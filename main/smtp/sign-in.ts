/** Signing in to a server, by password or by OAuth 2. The SASL dialogues are nodemailer's. */
import type { SessionTrouble } from '../policy/model.ts';
import type { Answer, Connection } from './connection.ts';
import type { Extensions } from './reply.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** `token(refresh)`: an access token; `refresh` asks for a new one after the first was refused. */
  | {
      readonly kind: 'oauth2';
      readonly username: string;
      readonly token: (refresh: boolean) => Promise<TokenAnswer>;
    };

/** What a token source answers. */
export type TokenAnswer =
  | { readonly kind: 'token'; readonly token: string }
  /** Only the user can help. */
  | { readonly kind: 'sign-in-needed' }
  /** It could not be renewed now; nothing is wrong with the sign-in as far as is known. */
  | { readonly kind: 'later'; readonly detail: string };

/** A token source without a token, as the trouble of the session. */
export function tokenTrouble(answer: Exclude<TokenAnswer, { kind: 'token' }>): SessionTrouble {
  return answer.kind === 'later' ? { kind: 'token-later', detail: answer.detail } : { kind: 'no-secret' };
}

/** Mechanisms in order of choice: the plain ones are fine inside TLS; outside of it, first the one that does not show the password. */
const MECHANISMS = { inside: ['PLAIN', 'LOGIN', 'CRAM-MD5'], outside: ['CRAM-MD5', 'PLAIN', 'LOGIN'] } as const;

/**
 * Signs in (RFC 4954) by the first mechanism that server and program have in common.
 * @param allowInsecureAuth credentials may travel unencrypted
 * @returns null: signed in
 */
export async function signIn(
  connection: Connection,
  offered: Extensions,
  credentials: Credentials,
  allowInsecureAuth: boolean,
): Promise<Answer | SessionTrouble | null> {
  if (!connection.secure && !allowInsecureAuth)
    return impossible('the connection is not encrypted, so the password was not sent');
  if (offered.auth.length === 0) return impossible('the server does not offer a sign-in');
  return credentials.kind === 'password'
    ? signInWithPassword(connection, offered, credentials)
    : signInWithToken(connection, offered, credentials);
}

async function signInWithPassword(
  connection: Connection,
  offered: Extensions,
  { username, password }: Extract<Credentials, { kind: 'password' }>,
): Promise<Answer | SessionTrouble | null> {
  const method = MECHANISMS[connection.secure ? 'inside' : 'outside'].find((m) => offered.auth.includes(m));
  if (method === undefined)
    return impossible(`the server offers no sign-in that this program knows (${offered.auth.join(', ')})`);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  connection.hide(password, base64(password), base64(`\u0000${username}\u0000${password}`));
  const answer = await connection.signIn({ method, user: username, pass: password });
  return isSignedIn(answer) ? null : answer;
}

async function signInWithToken(
  connection: Connection,
  offered: Extensions,
  credentials: Extract<Credentials, { kind: 'oauth2' }>,
): Promise<Answer | SessionTrouble | null> {
  if (!offered.auth.includes('XOAUTH2')) return impossible('the server does not offer sign-in with OAuth 2');
  let refreshed = false;
  for (;;) {
    let missing: Exclude<TokenAnswer, { kind: 'token' }> | null = null;
    const oauth2 = {
      // nodemailer asks once more by itself after a 334 challenge; servers that say 535 at once are asked again below.
      getToken: (again: boolean, done: (error: Error | null, token: string) => void) => {
        refreshed ||= again;
        void credentials.token(refreshed).then((answer) => {
          if (answer.kind === 'token') done(null, answer.token);
          else {
            missing = answer;
            done(new Error('no token'), '');
          }
        });
      },
      buildXOAuth2Token: (value: string) => {
        const text = `user=${credentials.username}\u0001auth=Bearer ${value}\u0001\u0001`;
        const line = Buffer.from(text).toString('base64');
        connection.hide(value, text, line);
        return line;
      },
    };
    const answer = await connection.signIn({ method: 'XOAUTH2', user: credentials.username, oauth2: oauth2 as never });
    if (isSignedIn(answer)) return null;
    // Set by the callback that the sign-in calls.
    const lacking = missing as Exclude<TokenAnswer, { kind: 'token' }> | null;
    if (lacking) return tokenTrouble(lacking);
    if (refreshed || answer.kind !== 'reply' || connection.getDeath()) return answer;
    refreshed = true;
  }
}

function isSignedIn(answer: Answer): boolean {
  return answer.kind === 'reply' && answer.reply.code === 235;
}

function impossible(detail: string): SessionTrouble {
  return { kind: 'auth-not-possible', detail };
}
