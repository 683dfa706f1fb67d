import { enGateways } from './en-gateways.ts';
import { enSignIn } from './en-sign-in.ts';

/**
 * English words for every phrase that the engine can say (Phrase in shared/mail.ts). `{name}` stands for a parameter;
 * a phrase that counts has the forms `_one` and `_other`, chosen by `{count}` (i18next reads the same form).
 * A parameter called `at` is a time. Quotation marks around names stand here, not in the parameters.
 */
export const en = {
  'hold.paused': 'Sending is paused.',
  'hold.settings': 'Nothing is sent until settings that cannot be read are put right.',
  'hold.no-network': 'Waiting for a network connection.',
  'hold.dial-up': 'Waiting for a dial-up connection.',
  'hold.captive-portal': 'Waiting: this network asks you to log in first. Open a web page to do so.',
  'hold.no-dns': 'Waiting: no DNS server answers on this network.',

  'no-way-out.no-gateway': 'Nothing can leave: only gateways may be used, and none is switched on.',
  'no-way-out.no-gateway-here': 'Nothing can leave: no gateway is meant for this network.',
  'no-way-out.gateways-failing': 'Nothing can leave: no gateway works on this network at present.',
  'no-way-out.direct-blocked': 'Nothing can leave: this network blocks direct delivery; use a gateway.',

  'status.idle': 'Ready. Nothing is waiting.',
  'status.sending_one': 'Sending {count} message.',
  'status.sending_other': 'Sending {count} messages.',
  'status.waiting_one': '{count} message is waiting for its next attempt.',
  'status.waiting_other': '{count} messages are waiting for their next attempt.',
  'status.bad_one': '{count} message went to Bad.',
  'status.bad_other': '{count} messages went to Bad.',
  'status.bounced_one': '{count} message bounced.',
  'status.bounced_other': '{count} messages bounced.',
  'status.sendingNow_one': 'Sending now: {count} recipient.',
  'status.sendingNow_other': 'Sending now: {count} recipients.',

  'direct.blocked': 'This network blocks direct delivery; use a gateway.',
  'direct.retesting': 'Testing direct delivery on this network again.',
  'direct.works': 'Direct delivery works on this network.',

  'names.no-names':
    "This network's name server knows no names. Mail that goes directly waits until it does, or until you are on another network.",
  'names.one-address':
    "This network's name server gives one address to all names, even to names that do not exist. Mail that goes directly waits: it would reach somebody else. Perhaps the network wants you to log in on a web page first.",
  'names.undecided':
    "This network's name server gives no usable answers. Mail that goes directly waits until it does, or until you are on another network.",

  'defer.reply': '{via} asked to try again later: {reply}',
  'defer.unsupported-reply': '{via} answered in a way that makes no sense in SMTP.',
  'defer.too-many-recipients': '{via} takes no more recipients at a time; the rest follows in a moment.',
  'defer.greeting': '{via} was reached, but takes no mail now.',
  'defer.connection-refused': '{via} refused the connection.',
  'defer.timeout': '{via} did not answer in time.',
  'defer.unreachable': '{via} cannot be reached on this network.',
  'defer.connection-lost': 'The connection to {via} was lost.',
  'defer.lost-after-dot':
    'The connection to {via} was lost before it confirmed the message. It may have arrived, and may arrive twice.',
  'defer.unknown-outcomes':
    'The connection to {via} was lost three times before it confirmed the message. It may have arrived, and is not sent that way again on this network.',
  'defer.unknown-outcomes.gateways':
    'It may have arrived, and on this network it is not sent again through the gateways that may have taken it.',
  'defer.dns': 'The mail server for {domain} could not be looked up: the DNS gave no usable answer.',
  'defer.no-names':
    "The mail server for {domain} could not be looked up: this network's name server knows no names, not even common ones.",
  'defer.one-address':
    "The mail server for {domain} could not be looked up: this network's name server gives one address to all names, even to names that do not exist. Nothing was sent there.",
  'defer.tls': 'No safe connection to {via}: its certificate or encryption was not acceptable.',
  'defer.tls-required': '{via} must be used with encryption, and encryption could not be agreed on.',
  'defer.auth': '{via} refused the sign-in. Check user name and password.',
  'defer.no-secret': 'The password for {via} is missing, could not be read, or has to be entered again after a change.',
  'defer.relaying-denied': '{via} does not pass on mail for you on this network (relaying denied).',
  'defer.policy': '{via} refused the message by its own rules: {reply}',
  'defer.direct-blocked': 'This network blocks direct delivery; use a gateway.',
  'defer.intercepted': 'What answered is not {via}: this network seems to intercept mail. Nothing was sent.',
  'defer.no-gateway': 'No gateway can be used: none is enabled, or none fits this network and sender.',
  'defer.gateways-unreachable': 'None of your gateways can be reached on this network.',
  'defer.local': 'The program had trouble of its own; nothing is wrong with the message.',
  'defer.crashed': 'The program ended during the attempt. It may have arrived, and may arrive twice.',

  'why.delivered.direct': 'Delivered directly to {via}, the mail server for {domain}.',
  'why.delivered.never': 'Delivered directly to {via}: you have chosen not to use gateways.',
  'why.delivered.unlisted': 'Delivered directly to {via}: {domain} is not on your gateway list.',
  'why.delivered.lan': 'Delivered to {via} on the local network.',
  'why.relayed.listed': 'Sent through “{via}” because {domain} is on your gateway list.',
  'why.relayed.always': 'Sent through “{via}” because all mail goes through gateways.',
  'why.relayed.undelivered': 'Sent through “{via}” because it could not be delivered directly.',
  'why.relayed.chosen': 'Sent through “{via}” because you chose this gateway.',
  'why.relayed.error.lan':
    'Sent through “{via}” because neither the Internet nor the local network could deliver it (LAN error).',
  'why.relayed.error.dns': 'Sent through “{via}” because {domain} could not be looked up (DNS error).',
  'why.relayed.error.smtp': 'Sent through “{via}” because direct delivery failed (SMTP error).',
  'why.notProof': 'The gateway has taken it over; that is not yet proof of delivery.',

  'why.skipped_one': '“{names}” was passed over: not reachable on this network.',
  'why.skipped_other': '{names} were passed over: not reachable on this network.',
  'why.leftOut.unknown-outcomes_one':
    '“{names}” is left out: the connection to it was lost three times before it confirmed the message.',
  'why.leftOut.unknown-outcomes_other':
    '{names} are left out: the connection to each was lost three times before it confirmed the message.',
  'why.leftOut.disabled_one': '“{names}” is disabled.',
  'why.leftOut.disabled_other': '{names} are disabled.',
  'why.leftOut.other-network_one': '“{names}” is kept for other networks.',
  'why.leftOut.other-network_other': '{names} are kept for other networks.',
  'why.leftOut.other-sender_one': '“{names}” is kept for other senders.',
  'why.leftOut.other-sender_other': '{names} are kept for other senders.',

  'why.waits.listed': 'Only gateways may be used, because {domain} is on your gateway list.',
  'why.waits.always': 'Only gateways may be used: you have chosen to send all mail through them.',
  'why.waits.undelivered_one':
    'Direct delivery was given up; the gateways have been tried {count} time, and are tried three times in all.',
  'why.waits.undelivered_other':
    'Direct delivery was given up; the gateways have been tried {count} times, and are tried three times in all.',
  'why.waits.again': 'It will be tried again by itself.',
  'why.waits.names': 'It goes as soon as names can be looked up again; this attempt does not count against the limit.',
  'why.waits.notCounted': 'It will be tried again by itself; this attempt does not count against the limit.',
  'why.waits.otherHop':
    'It waits for another gateway or mail server, for another network, or for you to send it again; its limit runs meanwhile.',
  'why.mayHaveArrived': 'An earlier attempt ended without an answer after all was sent: it may have arrived.',
  'why.queued': 'Waiting for its first attempt.',
  'why.attempting': 'Being sent now.',

  'why.deleted.attempting':
    'The message was deleted while it was being sent. What the server takes now still arrives; nothing is tried after that.',
  'why.deleted.whileSent': 'The message was deleted while it was being sent.',
  'why.deleted.waits': 'It is in Deleted and is not tried. Restore it to have it sent.',
  'why.replaced': 'You sent the message again to {names} instead.',
  'why.replaced.more_one': 'You sent the message again to {names} and {count} more instead.',
  'why.replaced.more_other': 'You sent the message again to {names} and {count} more instead.',
  'why.replaced.unknown': 'You sent the message again to others instead.',

  'why.refused.reply': '{via} refused it for good: {reply}',
  'why.refused.no-such-domain': 'The domain {domain} does not exist, or takes no mail.',
  'why.refused.null-mx': 'The domain {domain} states that it takes no mail.',
  'why.refused.bad-name': '“{domain}” is not a valid domain.',
  'why.refused.too-large': 'The message is larger than {via} accepts.',
  'why.refused.needs-8bitmime': '{via} cannot take messages with 8-bit text.',
  'why.refused.needs-smtputf8': '{via} cannot take addresses with international characters.',
  'why.refused.other': '{via} refused it for good.',
  'why.refused.allGateways': 'Every gateway that could be used refused it for good; the last was “{via}”: {reply}',
  'why.expired': 'Given up: it could not be delivered within the limit that you have set.',
  'why.expired.passes': 'Given up: direct delivery failed, and so did three attempts through your gateways.',
  'why.failed': 'It could not be delivered.',
  'why.folder.outbox': 'It is not tried again; the message stays in the Outbox for those who still wait.',
  'why.folder.bounced': 'It is in Bounced.',
  'why.folder.bad': 'It is in Bad: nothing is returned to the sender, you decide what happens.',

  'gateway.unknown': 'not tried on this network yet',
  'gateway.works': 'works here ({ms} ms)',
  'gateway.works.tls': 'works here ({tls}, {ms} ms)',
  'gateway.unreachable': 'not reachable here since {at}',
  'gateway.sign-in-refused': 'sign-in refused',
  'gateway.no-secret': 'password missing',
  'gateway.tls-failed': 'no safe connection',
  'gateway.refused': 'does not pass on your mail here',
  'gateway.disabled': 'disabled',
  'gateway.not-here': 'not used on this network',

  'test.dns.ok': 'The host name was found.',
  'test.dns.failed': 'The host name could not be found.',
  'test.dns.skipped': 'No look-up needed.',
  'test.connect.ok': 'The server answers.',
  'test.connect.failed': 'The server does not answer.',
  'test.connect.skipped': 'Connecting was not tried.',
  'test.tls.ok': 'The connection is encrypted and the certificate is valid.',
  'test.tls.unverified': 'The connection is encrypted, but the certificate could not be verified. You allowed that.',
  'test.tls.failed': 'No safe connection could be made.',
  'test.tls.skipped': 'The connection is not encrypted.',
  'test.sign-in.ok': 'The sign-in was accepted.',
  'test.sign-in.failed': 'The sign-in was refused.',
  'test.sign-in.skipped': 'No sign-in needed, or not reached.',
  'test.transaction.ok': 'The server would take mail from you.',
  'test.transaction.failed': 'The server would not take mail from you.',
  'test.transaction.skipped': 'Not reached.',

  'dialUp.dialling': 'Dialling “{name}”.',
  'dialUp.dialled': '“{name}” is connected.',
  'dialUp.failed': '“{name}” could not be dialled: {detail}',
  'dialUp.hungUp': 'Hung up “{name}”: no mail is waiting.',
  'dialUp.hangUpFailed': '“{name}” could not be hung up: {detail}',

  'problem.listener.taken': 'Port {port} is in use by another program, so mail programs cannot hand over mail.',
  'problem.listener.forbidden':
    'The system does not let this program use port {port}. Ports from 1024 up need no special rights.',
  'problem.listener.address': 'The address to listen on does not exist on this computer.',
  'problem.listener.other': 'The server for mail programs could not start: {detail}',
  'problem.certificate.unreadable':
    'The certificate for mail programs cannot be read: {file}. The one from before stays in use; if there was none, no encryption is offered.',
  'problem.certificate.mismatch':
    'The certificate for mail programs, {file}, and its key do not belong together. The pair from before stays in use; if there was none, no encryption is offered.',
  'problem.certificate.broken':
    'The certificate for mail programs or its key is damaged or locked with a password: {file}. The one from before stays in use; if there was none, no encryption is offered.',
  'problem.listenerAddress':
    'Mail is not accepted at {hosts}: this computer does not have that address now, or another program uses the port there. It is tried again when the network changes.',
  'problem.settingsSetAside':
    'The settings file could not be read. It was kept as {file}; default settings are in use. Nothing is sent until you put settings.json right, import your settings, or decide to go on with the settings as they are now.',
  'problem.settingsHeld':
    'Nothing is sent: these values in settings.json cannot be read and say where mail may go or who may hand it in: {values}. Put them right in the file or in the settings window, or go on with what stands in their place.',
  'problem.goOnAsItIs': 'Use the settings as they are and go on',
  'problem.goOnWith': 'Use “{value}” and go on',
  'problem.goOnWithThese': 'Use what stands there instead and go on',
  'problem.settingsWrong':
    'Some values in settings.json cannot be read, and defaults stand for them: {values}. A copy of the file is kept before they are overwritten.',
  'problem.settingsUnreadable':
    'settings.json was changed and can no longer be read ({why}). The settings from before are in use, and a copy of the file is kept.',
  'problem.queue-set-aside_one': 'The queue file was damaged. It was kept as {file}; {count} message was rescued.',
  'problem.queue-set-aside_other': 'The queue file was damaged. It was kept as {file}; {count} messages were rescued.',
  'problem.disk-full': 'The disk is nearly full: new mail is not accepted until there is room.',
  'problem.drops-set-aside_one':
    '{count} message that was handed over with postcast sendmail cannot be queued ({why}). It is kept in {folder}.',
  'problem.drops-set-aside_other':
    '{count} messages that were handed over with postcast sendmail cannot be queued (the last one: {why}). They are kept in {folder}.',
  'problem.drops-lie-aside_one':
    '{count} message that was handed over with postcast sendmail could not be queued. It is kept in {folder}.',
  'problem.drops-lie-aside_other':
    '{count} messages that were handed over with postcast sendmail could not be queued. They are kept in {folder}.',
  'problem.drops-wait_one':
    '{count} message that was handed over with postcast sendmail cannot be read or queued at present ({why}). It stays in {folder} and is tried again.',
  'problem.drops-wait_other':
    '{count} messages that were handed over with postcast sendmail cannot be read or queued at present ({why}). They stay in {folder} and are tried again.',
  'problem.read-only': 'The profile folder cannot be written to, so no mail can be accepted.',
  'problem.secrets-obfuscated': 'This system has no key store: passwords are only obfuscated, not protected.',
  'problem.secrets-unavailable': 'This system has no key store that can be used: passwords are not stored.',
  'problem.sign-in-refused': 'Sign-in to “{gateway}” was refused. Check user name and password.',
  'problem.no-secret': 'The password for “{gateway}” is missing.',
  'problem.again.server':
    '“{gateway}” is not used: its password or sign-in is needed again, because the server was changed from {from} to {to}.',
  'problem.again.security':
    '“{gateway}” is not used: its password or sign-in is needed again, because the security of the connection to {to} was changed.',
  'problem.again.way':
    '“{gateway}” is not used: its password or sign-in is needed again, because the proxy or the DNS servers were changed with a settings file.',
  'problem.again.unknown':
    '“{gateway}” is not used: its password or sign-in is needed again, because it is not known for which server it was given.',
  'problem.secretsUnreadable':
    'The stored passwords cannot be read ({why}). No password can be stored until they can, so that none is lost.',
  'problem.secretsSetAside':
    'The file of the stored passwords was damaged. It was kept as {file}; the passwords have to be entered again.',
  'problem.relaying-denied': '“{gateway}” does not pass on your mail on this network.',
  'problem.tls-failed': 'No safe connection to “{gateway}” could be made. No password was sent.',
  'problem.intercepted': 'This network intercepts the connection to “{gateway}”. No password was sent.',
  'problem.oauth-revoked': 'The sign-in for “{gateway}” has ended. Sign in again to use this gateway.',
  'problem.internal': 'Something went wrong inside the program: {detail}',

  'report.failed.expired': 'It could not be delivered in the time that was set for it, and is no longer tried.',
  'report.relayed': '{via} has taken it over, but will not report whether it was delivered.',
  'report.delayed': 'It could not be delivered yet. It is still tried; you need not send it again.',

  'notify.bad': 'A message could not be sent and is in Bad: {subject}',
  'notify.bounced': 'A message could not be delivered and is in Bounced: {subject}',

  'testMessage.subject': 'Test message from PostCast Server',
  'testMessage.body': 'This message was sent from PostCast Server on {host} to see whether mail goes through. It did.',

  ...enGateways,
  ...enSignIn,
} as const;
