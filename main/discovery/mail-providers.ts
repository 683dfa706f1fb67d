/**
 * Large mail providers and their submission servers, for *Add gateway* without a look-up (spec §3.4). Facts from the
 * providers' own help pages; a wrong or outdated line is no harm: everything found is shown and can be edited.
 */
import type { Security } from '../../shared/settings.ts';

export interface Provider {
  readonly name: string;
  /** Mail domains, lower case. */
  readonly domains: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly auth: 'password' | 'oauth2';
  /** For oauth2: 'google' or 'microsoft'. */
  readonly oauthIssuer?: string;
}

const tls = { port: 465, security: 'tls', auth: 'password' } as const;
const starttls = { port: 587, security: 'starttls', auth: 'password' } as const;

export const PROVIDERS: readonly Provider[] = [
  {
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    host: 'smtp.gmail.com',
    port: 465,
    security: 'tls',
    auth: 'oauth2',
    oauthIssuer: 'google',
  },
  {
    name: 'Outlook.com',
    domains: [
      'outlook.com',
      'hotmail.com',
      'live.com',
      'msn.com',
      'outlook.de',
      'hotmail.de',
      'hotmail.co.uk',
      'outlook.fr',
      'hotmail.fr',
    ],
    host: 'smtp-mail.outlook.com',
    port: 587,
    security: 'starttls',
    auth: 'oauth2',
    oauthIssuer: 'microsoft',
  },
  { name: 'iCloud', domains: ['icloud.com', 'me.com', 'mac.com'], host: 'smtp.mail.me.com', ...starttls },
  {
    name: 'Yahoo',
    domains: ['yahoo.com', 'yahoo.de', 'yahoo.co.uk', 'yahoo.fr', 'ymail.com', 'rocketmail.com'],
    host: 'smtp.mail.yahoo.com',
    ...tls,
  },
  { name: 'AOL', domains: ['aol.com', 'aim.com'], host: 'smtp.aol.com', ...tls },
  { name: 'GMX', domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch'], host: 'mail.gmx.net', ...starttls },
  { name: 'GMX', domains: ['gmx.com', 'gmx.us', 'gmx.co.uk'], host: 'mail.gmx.com', ...starttls },
  { name: 'WEB.DE', domains: ['web.de'], host: 'smtp.web.de', ...starttls },
  { name: 'T-Online', domains: ['t-online.de', 'magenta.de'], host: 'securesmtp.t-online.de', ...tls },
  { name: 'freenet', domains: ['freenet.de'], host: 'mx.freenet.de', ...starttls },
  { name: 'Posteo', domains: ['posteo.de', 'posteo.net'], host: 'posteo.de', ...tls },
  { name: 'mailbox.org', domains: ['mailbox.org'], host: 'smtp.mailbox.org', ...tls },
  { name: 'Fastmail', domains: ['fastmail.com', 'fastmail.fm'], host: 'smtp.fastmail.com', ...tls },
  { name: 'Zoho', domains: ['zoho.com', 'zohomail.com'], host: 'smtp.zoho.com', ...tls },
  { name: 'Zoho', domains: ['zoho.eu', 'zohomail.eu'], host: 'smtp.zoho.eu', ...tls },
  { name: 'Yandex', domains: ['yandex.com', 'yandex.ru', 'ya.ru'], host: 'smtp.yandex.com', ...tls },
  { name: 'Mail.ru', domains: ['mail.ru', 'bk.ru', 'inbox.ru', 'list.ru'], host: 'smtp.mail.ru', ...tls },
  { name: 'Comcast', domains: ['comcast.net', 'xfinity.com'], host: 'smtp.comcast.net', ...starttls },
  { name: 'AT&T', domains: ['att.net', 'sbcglobal.net', 'bellsouth.net'], host: 'smtp.mail.att.net', ...tls },
  { name: 'Orange', domains: ['orange.fr', 'wanadoo.fr'], host: 'smtp.orange.fr', ...tls },
  { name: 'Free', domains: ['free.fr'], host: 'smtp.free.fr', ...tls },
  { name: 'BT', domains: ['btinternet.com'], host: 'mail.btinternet.com', ...tls },
  {
    name: 'Proton (SMTP token)',
    domains: ['proton.me', 'protonmail.com', 'pm.me'],
    host: 'smtp.protonmail.ch',
    ...starttls,
  },
];
