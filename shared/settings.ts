/**
 * The settings of spec §10: names, limits and defaults. The schema is the one place that decides what is valid; windows
 * validate with it as the user types, the engine validates with it before it saves. Unknown keys survive (loose objects).
 * What stands in the place of a value in the file that cannot be read: setting-rules.ts has a line for every setting.
 */
import * as z from 'zod';
import { INTAKE } from './limits.ts';
import { EVERYTHING, NO_WAY_OUT } from './setting-rules.ts';
import { isAddressPattern, isCidr, isDomainPattern, isHost, isHostName, isIpPort, isProxy } from './syntax.ts';

const port = z.number().int().min(1).max(65535);
const host = z.string().trim().refine(isHost, 'Not a host name or IP address');
const seconds = z.number().int().min(1).max(3600);

/** One account of the listener. `hash` is a scrypt string made by the engine; a password never stands here. */
export const listenerUserSchema = z.looseObject({
  name: z.string().trim().min(1, 'A user needs a name').max(200),
  hash: z.string().max(1000),
});

export const serverSchema = z.looseObject({
  host: z.array(z.string().trim().refine(isHost, 'Not an IP address')).max(16).default(['127.0.0.1', '::1']),
  port: port.default(2525),
  /** Name in greeting, EHLO and Received; empty = found out. */
  hostname: z
    .string()
    .trim()
    .refine((v) => v === '' || isHostName(v), 'Not a host name')
    .default(''),
  maxMessageBytes: z
    .number()
    .int()
    .min(INTAKE.messageBytes.least)
    .max(INTAKE.messageBytes.most)
    .default(INTAKE.messageBytes.byDefault),
  allow: z.array(z.string().trim().refine(isCidr, 'Not an address or CIDR range')).max(1000).default([]),
  deny: z.array(z.string().trim().refine(isCidr, 'Not an address or CIDR range')).max(1000).default([]),
  blockedRecipients: z
    .array(
      z
        .string()
        .trim()
        .refine((v) => v === EVERYTHING || isAddressPattern(v), 'Not an address or domain'),
    )
    .max(10000)
    .default([]),
  requireAuth: z.boolean().default(false),
  users: z.array(listenerUserSchema).max(1000).default([]),
  tls: z
    .looseObject({
      enabled: z.boolean().default(false),
      /** Paths of PEM files; empty = own certificate, made on first use. */
      certFile: z.string().default(''),
      keyFile: z.string().default(''),
      /** Sign-in on loopback without TLS is permitted; elsewhere it never is. */
      allowInsecureAuth: z.boolean().default(false),
    })
    .prefault({}),
  /** Refuse a MAIL FROM whose domain has neither MX nor address. */
  refuseSendersWithoutMx: z.boolean().default(false),
});

export const PRIORITIES = ['highest', 'high', 'normal', 'belowNormal', 'low'] as const;
export const SECURITIES = ['auto', 'tls', 'starttls', 'none'] as const;
export const AUTH_KINDS = ['none', 'password', 'oauth2'] as const;
export const MODES = ['never', 'undelivered', 'onError', 'domains', 'always'] as const;

export const gatewaySchema = z
  .looseObject({
    id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'Letters, digits, - and _ only'),
    name: z.string().trim().min(1, 'Give the gateway a name').max(100),
    host: host.refine((v) => v.length > 0, 'Needed'),
    port: port.default(587),
    security: z.enum(SECURITIES).default('auto'),
    auth: z.enum(AUTH_KINDS).default('none'),
    username: z.string().trim().max(320).default(''),
    allowInsecureAuth: z.boolean().default(false),
    /** Accept a certificate that cannot be verified: the user said so for this gateway. */
    allowInvalidCertificate: z.boolean().default(false),
    priority: z.enum(PRIORITIES).default('normal'),
    enabled: z.boolean().default(true),
    /** Ids or names of networks this gateway is limited to; empty = all. */
    networks: z.array(z.string().trim().min(1).max(200)).max(200).default([]),
    /** Sender addresses or domains this gateway is limited to; empty = all. */
    senders: z.array(z.string().trim().refine(isAddressPattern, 'Not an address or domain')).max(1000).default([]),
    /** OAuth 2 provider: 'google', 'microsoft' or an issuer URL. */
    oauthIssuer: z.string().trim().max(500).default(''),
    oauthClientId: z.string().trim().max(500).default(''),
    /** What to ask the provider for; '' = what is known to be right for it. */
    oauthScope: z.string().trim().max(1000).default(''),
  })
  .refine((g) => g.auth === 'none' || g.username !== '', {
    path: ['username'],
    message: 'Sign-in needs a user name',
  });

export const gatewaysSchema = z.looseObject({
  mode: z.enum(MODES).default('never'),
  onErrors: z
    .looseObject({
      lan: z.boolean().default(true),
      dns: z.boolean().default(false),
      smtp: z.boolean().default(true),
    })
    .prefault({}),
  domains: z
    .array(
      z
        .string()
        .trim()
        .refine((v) => v === EVERYTHING || isDomainPattern(v), 'Not a domain (example.com or *.example.com)'),
    )
    .max(100000)
    .default([]),
  /** spec §3.3: how long the hop in front may stay silent before the next one is connected to as well. */
  headStartMs: z.number().int().min(100).max(60000).default(2000),
  list: z
    .array(gatewaySchema)
    .max(500)
    .refine((list) => new Set(list.map((g) => g.id)).size === list.length, 'Two gateways have the same id')
    .default([]),
});

export const administrationSchema = z.looseObject({
  undeliverableAfter: z
    .looseObject({
      value: z.number().int().min(1).max(100000).default(4),
      unit: z.enum(['days', 'hours', 'attempts']).default('days'),
    })
    .prefault({}),
  forceDelivery: z.boolean().default(true),
  returnUndeliverable: z.boolean().default(true),
  attachOriginal: z.boolean().default(true),
  log: z.enum(['off', 'single', 'daily']).default('single'),
});

export const dialUpSchema = z.looseObject({
  requireConnection: z.boolean().default(false),
  /** Names of connections that count as dial-up besides PPP and mobile broadband (VPN, SSID). */
  connections: z.array(z.string().trim().min(1).max(200)).max(100).default([]),
  sendOnConnect: z.boolean().default(true),
  dial: z.boolean().default(false),
  dialEveryMinutes: z.number().int().min(1).max(1440).default(15),
  hangUp: z.boolean().default(false),
});

export const lanHostSchema = z.looseObject({
  domain: z.string().trim().refine(isDomainPattern, 'Not a domain'),
  host,
  port: port.default(25),
});

export const connectionSchema = z.looseObject({
  maxOutgoing: z.number().int().min(1).max(100).default(20),
  dnsServers: z.array(z.string().trim().refine(isIpPort, 'Not an IP address or IP:port')).max(10).default([]),
  dnsTimeoutSeconds: seconds.max(120).default(10),
  serverTimeoutSeconds: seconds.default(60),
  directPort: port.default(25),
  retryMinutes: z
    .array(z.number().positive('Minutes must be more than 0').max(10080))
    .min(1, 'At least one interval')
    .max(100)
    .default([1, 2, 5, 10, 20, 40, 60]),
  trustLoopbackMx: z.boolean().default(false),
  lanHosts: z.array(lanHostSchema).max(1000).default([]),
  /** '' or socks5://host:port or http://host:port; 'blocked' = only what is near is connected to. */
  proxy: z
    .string()
    .trim()
    .refine((v) => v === '' || v === NO_WAY_OUT || isProxy(v), 'Like socks5://host:1080')
    .default(''),
});

export const generalSchema = z.looseObject({
  startHidden: z.boolean().default(false),
  closeToTray: z.boolean().default(true),
  /** Days that sent mail is kept; 0 = removed at once, -1 = for ever. */
  keepSent: z.number().int().min(-1).max(3650).default(30),
  keepDeleted: z.number().int().min(-1).max(3650).default(7),
  launchAtLogin: z.boolean().default(false),
  notifications: z.boolean().default(true),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** '' = the system's language. */
  language: z.enum(['', 'en', 'de']).default(''),
  /** The first-run pages were finished or skipped. */
  welcomeDone: z.boolean().default(false),
});

export const securitySchema = z.looseObject({
  /** DKIM keys: the private key is in the secret store under `dkim:<domain>:<selector>`. */
  dkim: z
    .array(
      z.looseObject({
        domain: z.string().trim().refine(isHostName, 'Not a domain'),
        selector: z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, 'Letters, digits and - only'),
        enabled: z.boolean().default(true),
      }),
    )
    .max(200)
    .default([]),
  /** Names the user gave to networks, by network id. */
  networkNames: z.record(z.string(), z.string().max(100)).default({}),
  /** Ask a well-known page whether this network wants a log-in first; sends no identifiers (spec §4.4). */
  captivePortalProbe: z.boolean().default(true),
});

/** Everything of `settings.json`. `settingsSchema.parse({})` is the set of defaults. */
export const settingsSchema = z.looseObject({
  version: z.literal(1).default(1),
  server: serverSchema.prefault({}),
  gateways: gatewaysSchema.prefault({}),
  administration: administrationSchema.prefault({}),
  dialUp: dialUpSchema.prefault({}),
  connection: connectionSchema.prefault({}),
  general: generalSchema.prefault({}),
  security: securitySchema.prefault({}),
});

export type Settings = z.output<typeof settingsSchema>;
export type GatewaySettings = z.output<typeof gatewaySchema>;
export type GatewayMode = (typeof MODES)[number];
export type Priority = (typeof PRIORITIES)[number];
export type Security = (typeof SECURITIES)[number];

/** The keys of an object without those that a loose object lets through. */
type KnownKey<T> = keyof { [K in keyof T as string extends K ? never : K]: T[K] } & string;

/** Dotted paths to and into `T`. What a list or a record holds is named by position, id or key. */
type PathInto<T, K extends KnownKey<T> = KnownKey<T>> = K extends string
  ? T[K] extends readonly unknown[]
    ? K | `${K}.${string}`
    : T[K] extends object
      ? KnownKey<T[K]> extends never
        ? K | `${K}.${string}`
        : K | `${K}.${PathInto<T[K]>}`
      : K
  : never;

/** The dotted path of a setting: "server.port", "gateways.list", "gateways.list.office.host". */
export type SettingPath = PathInto<Settings>;

/** All defaults of spec §10. */
export function defaultSettings(): Settings {
  return settingsSchema.parse({});
}

/** One reason why a value cannot be saved. */
export interface SettingsProblem {
  /** Dotted path: "gateways.list.0.host". */
  readonly path: string;
  readonly message: string;
}

/** Checks a whole settings object; on failure lists every problem with its path. */
export function parseSettings(
  value: unknown,
): { readonly ok: true; readonly settings: Settings } | { readonly ok: false; readonly problems: SettingsProblem[] } {
  const parsed = settingsSchema.safeParse(value);
  if (parsed.success) return { ok: true, settings: parsed.data };
  return {
    ok: false,
    problems: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
  };
}
