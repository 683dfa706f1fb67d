/**
 * What is done about a value of settings.json that cannot be read: one line for every setting of settings.ts (spec §3.5 ▲).
 * A setting that restricts where mail may go, or who may hand it in, stands at its narrowest, and the queue holds until
 * the value is put right; any other has its default. A setting without a line here fails a test. Pure.
 */

/** What stands in the place of a value that cannot be read. */
export interface SettingRule {
  /** It says where mail may go or who may hand it in: the queue holds. */
  readonly restricts: boolean;
  /**
   * Stands in its place. A list keeps the entries that can be read, and these are added. Absent: the default, for a list
   * only if no entry can be read.
   */
  readonly instead?: unknown;
  /** It guards the listener, which stays on this computer meanwhile. */
  readonly guards?: true;
}

const plain: SettingRule = { restricts: false };
const restricts = (instead?: unknown): SettingRule =>
  instead === undefined ? { restricts: true } : { restricts: true, instead };
const guards = (instead?: unknown): SettingRule => ({ ...restricts(instead), guards: true });

/** A list entry that stands for every domain, or every recipient. */
export const EVERYTHING = '*';
/** `connection.proxy`: nothing but what is near is connected to. */
export const NO_WAY_OUT = 'blocked';

/**
 * By dotted path; `[]` stands for the items of a list of groups. A gateway with a value that restricts and cannot be read is
 * kept, but disabled: what it would be used for is not known.
 */
export const SETTING_RULES: Readonly<Record<string, SettingRule>> = {
  version: plain,

  // Entries name where it listens: without one it listens in fewer places.
  'server.host': restricts(),
  'server.port': plain,
  'server.hostname': plain,
  'server.maxMessageBytes': plain,
  'server.allow': guards(),
  'server.deny': guards(),
  'server.blockedRecipients': guards([EVERYTHING]),
  'server.requireAuth': guards(true),
  'server.users': guards(),
  'server.tls.enabled': guards(true),
  'server.tls.certFile': guards(),
  'server.tls.keyFile': guards(),
  'server.tls.allowInsecureAuth': guards(false),
  'server.refuseSendersWithoutMx': restricts(true),

  'gateways.mode': restricts('always'),
  // Not ticked: such an error hands no mail to a gateway.
  'gateways.onErrors.lan': restricts(false),
  'gateways.onErrors.dns': restricts(false),
  'gateways.onErrors.smtp': restricts(false),
  // An entry that is lost would be a domain whose mail goes directly.
  'gateways.domains': restricts([EVERYTHING]),
  'gateways.headStartMs': plain,
  'gateways.list': restricts(),
  'gateways.list[].id': restricts(),
  'gateways.list[].name': plain,
  'gateways.list[].host': restricts(),
  'gateways.list[].port': restricts(),
  'gateways.list[].security': restricts('starttls'),
  'gateways.list[].auth': restricts(),
  'gateways.list[].username': restricts(),
  'gateways.list[].allowInsecureAuth': restricts(false),
  'gateways.list[].allowInvalidCertificate': restricts(false),
  'gateways.list[].priority': plain,
  'gateways.list[].enabled': restricts(false),
  'gateways.list[].networks': restricts(),
  'gateways.list[].senders': restricts(),
  // Where its tokens go.
  'gateways.list[].oauthIssuer': restricts(),
  'gateways.list[].oauthClientId': restricts(),
  'gateways.list[].oauthScope': restricts(),

  'administration.undeliverableAfter.value': plain,
  'administration.undeliverableAfter.unit': plain,
  'administration.forceDelivery': plain,
  'administration.returnUndeliverable': plain,
  'administration.attachOriginal': plain,
  'administration.log': plain,

  'dialUp.requireConnection': restricts(true),
  // Fewer names: fewer connections over which mail may go. And none of them is dialled while the queue holds.
  'dialUp.connections': restricts(),
  'dialUp.sendOnConnect': plain,
  'dialUp.dial': plain,
  'dialUp.dialEveryMinutes': plain,
  'dialUp.hangUp': plain,

  'connection.maxOutgoing': plain,
  // Who is asked for the way, and which way is taken.
  'connection.dnsServers': restricts(),
  'connection.dnsTimeoutSeconds': plain,
  'connection.serverTimeoutSeconds': plain,
  'connection.directPort': restricts(),
  'connection.retryMinutes': plain,
  'connection.trustLoopbackMx': restricts(false),
  'connection.lanHosts': restricts(),
  'connection.proxy': restricts(NO_WAY_OUT),

  'general.startHidden': plain,
  'general.closeToTray': plain,
  // Kept for ever: what was removed does not come back once the value is put right.
  'general.keepSent': { restricts: false, instead: -1 },
  'general.keepDeleted': { restricts: false, instead: -1 },
  'general.launchAtLogin': plain,
  'general.notifications': plain,
  'general.theme': plain,
  'general.language': plain,
  'general.welcomeDone': plain,

  'security.dkim': plain,
  'security.networkNames': plain,
  // A question to the Internet that nobody may have wanted is not asked.
  'security.captivePortalProbe': { restricts: false, instead: false },
};

/** The line of a setting. @throws for a path that is none: a setting without a line */
export function ruleOf(path: string): SettingRule {
  const rule = Object.hasOwn(SETTING_RULES, path) ? SETTING_RULES[path] : undefined;
  if (rule === undefined) throw new Error(`no rule for the setting ${path}`);
  return rule;
}

/** The settings at and below a path: `gateways` stands for all that begin with `gateways.`, items of lists left out. */
export function settingsBelow(path: string): readonly string[] {
  return Object.keys(SETTING_RULES).filter(
    (name) => name === path || (name.startsWith(`${path}.`) && !name.includes('[]')),
  );
}
