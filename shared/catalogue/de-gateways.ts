import type { enGateways } from './en-gateways.ts';

/** German words for what is known of the gateways and for Settings ▸ Test. */
export const deGateways: Readonly<Record<keyof typeof enGateways, string>> = {
  'gateway.state.unknown': 'In diesem Netzwerk noch nicht versucht.',
  'gateway.state.works': 'Funktioniert hier ({ms} ms, unverschlüsselt).',
  'gateway.state.worksEncrypted': 'Funktioniert hier ({tls}, {ms} ms).',
  'gateway.state.unreachable': 'Hier nicht erreichbar seit {at}: {words}.',
  'gateway.state.slow': 'Antwortete um {at} nicht rechtzeitig; solange werden andere verwendet.',
  'gateway.state.signInRefused': 'Anmeldung abgelehnt: {words}',
  'gateway.state.noSecret': 'Das Passwort fehlt. Bitte neu eingeben.',
  'gateway.again.password.server':
    'Das Passwort muss neu eingegeben werden, weil der Server von {from} auf {to} geändert wurde.',
  'gateway.again.password.security':
    'Das Passwort muss neu eingegeben werden, weil die Sicherheit der Verbindung zu {to} geändert wurde.',
  'gateway.again.password.way':
    'Das Passwort muss neu eingegeben werden, weil eine Einstellungsdatei den Proxy oder die DNS-Server geändert hat.',
  'gateway.again.password.unknown':
    'Das Passwort muss neu eingegeben werden: Es ist nicht bekannt, für welchen Server es bestimmt war.',
  'gateway.again.signIn.server': 'Bitte melden Sie sich neu an, weil der Server von {from} auf {to} geändert wurde.',
  'gateway.again.signIn.security':
    'Bitte melden Sie sich neu an, weil die Sicherheit der Verbindung zu {to} geändert wurde.',
  'gateway.again.signIn.way':
    'Bitte melden Sie sich neu an, weil eine Einstellungsdatei den Proxy oder die DNS-Server geändert hat.',
  'gateway.again.signIn.unknown':
    'Bitte melden Sie sich neu an: Es ist nicht bekannt, für welchen Server die letzte Anmeldung galt.',
  'gateway.state.tlsFailed': 'Keine sichere Verbindung: {words}.',
  'gateway.state.intercepted':
    'Hier nicht verwendet: {words}. Dieses Netzwerk scheint Post abzufangen; es wurde kein Passwort gesendet.',
  'gateway.state.refused': 'Erreicht, lehnt aber ab: {words}',
  'gateway.state.disabled': 'Ausgeschaltet.',
  'gateway.state.notHere': 'In diesem Netzwerk nicht verwendet.',

  'gateway.test.notReached': 'Nicht erreicht.',
  'gateway.test.dns.ok': '{host} wurde gefunden.',
  'gateway.test.dns.found': '{host} wurde gefunden: {addresses}.',
  'gateway.test.dns.failed': '{host} konnte nicht nachgeschlagen werden.',
  'gateway.test.dns.no-such-domain': 'Es gibt keinen Rechner namens {host}. Bitte die Schreibweise prüfen.',
  'gateway.test.dns.no-data': '{host} hat keine Adresse.',
  'gateway.test.dns.bad-name': '{host} ist kein Rechnername.',
  'gateway.test.dns.try-later': '{host} konnte nicht nachgeschlagen werden: Das DNS antwortet nicht.',
  'gateway.test.connect.ok': 'Verbunden mit {host}, Port {port}.',
  'gateway.test.connect.failed': 'Keine Verbindung zu {host}, Port {port}: {why}.',
  'gateway.test.connect.refused': '{host} antwortet, nimmt aber keine Post an: {why}',
  'gateway.test.tls.ok': 'Verschlüsselt mit {tls}; das Zertifikat gilt für {host}.',
  'gateway.test.tls.unverified':
    'Verschlüsselt mit {tls}; das Zertifikat wurde nicht geprüft, wie von Ihnen gewünscht.',
  'gateway.test.tls.none': 'Unverschlüsselt.',
  'gateway.test.tls.failed': 'Keine sichere Verbindung: {why}.',
  'gateway.test.tls.refused': '{host} lehnt Verschlüsselung ab: {why}',
  'gateway.test.sign-in.ok': 'Angemeldet als {user}.',
  'gateway.test.sign-in.none': 'Keine Anmeldung nötig.',
  'gateway.test.sign-in.no-secret': 'Das Passwort fehlt.',
  'gateway.test.sign-in.failed': 'Anmeldung nicht möglich: {why}.',
  'gateway.test.sign-in.refused': 'Anmeldung abgelehnt: {why}',
  'gateway.test.transaction.ok': 'Post kann gesendet werden.',
  'gateway.test.transaction.failed': 'Die Verbindung brach ab, bevor Post gesendet werden konnte: {why}.',
  'gateway.test.transaction.refused': 'Der Absender wurde abgelehnt: {why}',
};
