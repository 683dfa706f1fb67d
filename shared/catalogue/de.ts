import type { Catalogue } from '../phrases.ts';
import { deGateways } from './de-gateways.ts';
import { deSignIn } from './de-sign-in.ts';
import type { en } from './en.ts';

/** German words for every phrase that the engine can say: a missing one does not compile. See en.ts for the rules. */
export const de: Readonly<Record<keyof typeof en, string>> = {
  'hold.paused': 'Das Senden ist angehalten.',
  'hold.settings': 'Es wird nichts gesendet, bis Einstellungen berichtigt sind, die nicht lesbar sind.',
  'hold.no-network': 'Wartet auf eine Netzwerkverbindung.',
  'hold.dial-up': 'Wartet auf eine Einwahlverbindung.',
  'hold.captive-portal': 'Wartet: Dieses Netzwerk verlangt zuerst eine Anmeldung. Öffnen Sie dafür eine Webseite.',
  'hold.no-dns': 'Wartet: In diesem Netzwerk antwortet kein DNS-Server.',

  'no-way-out.no-gateway': 'Nichts geht hinaus: Nur Gateways dürfen verwendet werden, und keines ist eingeschaltet.',
  'no-way-out.no-gateway-here': 'Nichts geht hinaus: Für dieses Netzwerk ist kein Gateway vorgesehen.',
  'no-way-out.gateways-failing': 'Nichts geht hinaus: In diesem Netzwerk funktioniert zurzeit kein Gateway.',
  'no-way-out.direct-blocked':
    'Nichts geht hinaus: Dieses Netzwerk sperrt die direkte Zustellung; verwenden Sie ein Gateway.',

  'status.idle': 'Bereit. Nichts wartet.',
  'status.sending_one': '{count} Nachricht wird gesendet.',
  'status.sending_other': '{count} Nachrichten werden gesendet.',
  'status.waiting_one': '{count} Nachricht wartet auf den nächsten Versuch.',
  'status.waiting_other': '{count} Nachrichten warten auf den nächsten Versuch.',
  'status.bad_one': '{count} Nachricht ist unter „Unzustellbar“.',
  'status.bad_other': '{count} Nachrichten sind unter „Unzustellbar“.',
  'status.bounced_one': '{count} Nachricht kam zurück.',
  'status.bounced_other': '{count} Nachrichten kamen zurück.',
  'status.sendingNow_one': 'Wird jetzt gesendet: {count} Empfänger.',
  'status.sendingNow_other': 'Wird jetzt gesendet: {count} Empfänger.',

  'direct.blocked': 'Dieses Netzwerk sperrt die direkte Zustellung; verwenden Sie ein Gateway.',
  'direct.retesting': 'Die direkte Zustellung in diesem Netzwerk wird erneut geprüft.',
  'direct.works': 'Die direkte Zustellung funktioniert in diesem Netzwerk.',

  'names.no-names':
    'Der Nameserver dieses Netzwerks kennt keine Namen. Direkt zugestellte Post wartet, bis er welche kennt oder Sie in einem anderen Netzwerk sind.',
  'names.one-address':
    'Der Nameserver dieses Netzwerks nennt für alle Namen dieselbe Adresse, auch für Namen, die es nicht gibt. Direkt zugestellte Post wartet: Sie käme bei jemand anderem an. Vielleicht verlangt das Netzwerk zuerst eine Anmeldung auf einer Webseite.',
  'names.undecided':
    'Der Nameserver dieses Netzwerks gibt keine brauchbaren Antworten. Direkt zugestellte Post wartet, bis er antwortet oder Sie in einem anderen Netzwerk sind.',

  'defer.reply': '{via} bat um einen späteren Versuch: {reply}',
  'defer.unsupported-reply': '{via} gab eine Antwort, die in SMTP keinen Sinn ergibt.',
  'defer.too-many-recipients':
    '{via} nimmt nicht mehr Empfänger auf einmal an; die übrigen folgen in einem Augenblick.',
  'defer.greeting': '{via} wurde erreicht, nimmt aber jetzt keine Post an.',
  'defer.connection-refused': '{via} hat die Verbindung abgelehnt.',
  'defer.timeout': '{via} hat nicht rechtzeitig geantwortet.',
  'defer.unreachable': '{via} ist in diesem Netzwerk nicht erreichbar.',
  'defer.connection-lost': 'Die Verbindung zu {via} ist abgebrochen.',
  'defer.lost-after-dot':
    'Die Verbindung zu {via} brach ab, bevor die Nachricht bestätigt war. Sie ist vielleicht angekommen und kommt dann doppelt an.',
  'defer.unknown-outcomes':
    'Die Verbindung zu {via} brach dreimal ab, bevor die Nachricht bestätigt war. Sie ist vielleicht angekommen und wird in diesem Netzwerk nicht noch einmal auf diesem Weg gesendet.',
  'defer.unknown-outcomes.gateways':
    'Sie ist vielleicht angekommen und wird in diesem Netzwerk nicht noch einmal über die Gateways gesendet, die sie angenommen haben könnten.',
  'defer.dns': 'Der Mailserver für {domain} konnte nicht nachgeschlagen werden: Das DNS gab keine brauchbare Antwort.',
  'defer.no-names':
    'Der Mailserver für {domain} konnte nicht nachgeschlagen werden: Der Nameserver dieses Netzwerks kennt keine Namen, nicht einmal allgemein bekannte.',
  'defer.one-address':
    'Der Mailserver für {domain} konnte nicht nachgeschlagen werden: Der Nameserver dieses Netzwerks nennt für alle Namen dieselbe Adresse, auch für Namen, die es nicht gibt. Dorthin wurde nichts gesendet.',
  'defer.tls': 'Keine sichere Verbindung zu {via}: Zertifikat oder Verschlüsselung waren nicht annehmbar.',
  'defer.tls-required': '{via} darf nur mit Verschlüsselung verwendet werden, und sie kam nicht zustande.',
  'defer.auth': '{via} hat die Anmeldung abgelehnt. Prüfen Sie Benutzernamen und Passwort.',
  'defer.no-secret':
    'Das Passwort für {via} fehlt, konnte nicht gelesen werden oder muss nach einer Änderung neu eingegeben werden.',
  'defer.relaying-denied': '{via} leitet Ihre Post in diesem Netzwerk nicht weiter (relaying denied).',
  'defer.policy': '{via} hat die Nachricht nach eigenen Regeln abgelehnt: {reply}',
  'defer.direct-blocked': 'Dieses Netzwerk sperrt die direkte Zustellung; verwenden Sie ein Gateway.',
  'defer.intercepted':
    'Was antwortete, ist nicht {via}: Dieses Netzwerk scheint Post abzufangen. Nichts wurde gesendet.',
  'defer.no-gateway':
    'Kein Gateway ist verwendbar: Keines ist eingeschaltet, oder keines passt zu Netzwerk und Absender.',
  'defer.gateways-unreachable': 'Keines Ihrer Gateways ist in diesem Netzwerk erreichbar.',
  'defer.local': 'Das Programm hatte selbst ein Problem; die Nachricht ist in Ordnung.',
  'defer.crashed':
    'Das Programm endete während des Versuchs. Die Nachricht ist vielleicht angekommen und kommt dann doppelt an.',

  'why.delivered.direct': 'Direkt zugestellt an {via}, den Mailserver für {domain}.',
  'why.delivered.never': 'Direkt zugestellt an {via}: Sie haben gewählt, keine Gateways zu verwenden.',
  'why.delivered.unlisted': 'Direkt zugestellt an {via}: {domain} steht nicht auf Ihrer Gateway-Liste.',
  'why.delivered.lan': 'Zugestellt an {via} im lokalen Netzwerk.',
  'why.relayed.listed': 'Über „{via}“ gesendet, weil {domain} auf Ihrer Gateway-Liste steht.',
  'why.relayed.always': 'Über „{via}“ gesendet, weil alle Post über Gateways geht.',
  'why.relayed.undelivered': 'Über „{via}“ gesendet, weil die direkte Zustellung nicht möglich war.',
  'why.relayed.chosen': 'Über „{via}“ gesendet, weil Sie dieses Gateway gewählt haben.',
  'why.relayed.error.lan':
    'Über „{via}“ gesendet, weil weder das Internet noch das lokale Netzwerk zustellen konnte (LAN-Fehler).',
  'why.relayed.error.dns': 'Über „{via}“ gesendet, weil {domain} nicht nachgeschlagen werden konnte (DNS-Fehler).',
  'why.relayed.error.smtp': 'Über „{via}“ gesendet, weil die direkte Zustellung scheiterte (SMTP-Fehler).',
  'why.notProof': 'Das Gateway hat die Nachricht übernommen; das beweist noch nicht, dass sie ankam.',

  'why.skipped_one': '„{names}“ wurde übergangen: in diesem Netzwerk nicht erreichbar.',
  'why.skipped_other': '{names} wurden übergangen: in diesem Netzwerk nicht erreichbar.',
  'why.leftOut.unknown-outcomes_one':
    '„{names}“ wird ausgelassen: Die Verbindung brach dreimal ab, bevor die Nachricht bestätigt war.',
  'why.leftOut.unknown-outcomes_other':
    '{names} werden ausgelassen: Die Verbindung brach jeweils dreimal ab, bevor die Nachricht bestätigt war.',
  'why.leftOut.disabled_one': '„{names}“ ist ausgeschaltet.',
  'why.leftOut.disabled_other': '{names} sind ausgeschaltet.',
  'why.leftOut.other-network_one': '„{names}“ ist anderen Netzwerken vorbehalten.',
  'why.leftOut.other-network_other': '{names} sind anderen Netzwerken vorbehalten.',
  'why.leftOut.other-sender_one': '„{names}“ ist anderen Absendern vorbehalten.',
  'why.leftOut.other-sender_other': '{names} sind anderen Absendern vorbehalten.',

  'why.waits.listed': 'Nur Gateways kommen in Frage, weil {domain} auf Ihrer Gateway-Liste steht.',
  'why.waits.always': 'Nur Gateways kommen in Frage: Sie haben gewählt, alle Post über sie zu senden.',
  'why.waits.undelivered_one':
    'Die direkte Zustellung wurde aufgegeben; die Gateways wurden {count} Mal versucht, insgesamt werden sie dreimal versucht.',
  'why.waits.undelivered_other':
    'Die direkte Zustellung wurde aufgegeben; die Gateways wurden {count} Mal versucht, insgesamt werden sie dreimal versucht.',
  'why.waits.again': 'Es wird von selbst wieder versucht.',
  'why.waits.names':
    'Sie geht hinaus, sobald wieder Namen nachgeschlagen werden können; dieser Versuch zählt nicht für die Grenze.',
  'why.waits.notCounted': 'Es wird von selbst wieder versucht; dieser Versuch zählt nicht für die Grenze.',
  'why.waits.otherHop':
    'Sie wartet auf ein anderes Gateway oder einen anderen Mailserver, ein anderes Netzwerk oder darauf, dass Sie sie erneut senden; die Frist läuft dabei weiter.',
  'why.mayHaveArrived':
    'Ein früherer Versuch endete ohne Antwort, nachdem alles gesendet war: Die Nachricht ist vielleicht angekommen.',
  'why.queued': 'Wartet auf den ersten Versuch.',
  'why.attempting': 'Wird gerade gesendet.',

  'why.deleted.attempting':
    'Die Nachricht wurde gelöscht, während sie gesendet wurde. Was der Server jetzt annimmt, kommt noch an; danach wird nichts mehr versucht.',
  'why.deleted.whileSent': 'Die Nachricht wurde gelöscht, während sie gesendet wurde.',
  'why.deleted.waits': 'Sie liegt in „Gelöscht“ und wird nicht versucht. Stellen Sie sie wieder her, um sie zu senden.',
  'why.replaced': 'Sie haben die Nachricht stattdessen erneut an {names} gesendet.',
  'why.replaced.more_one':
    'Sie haben die Nachricht stattdessen erneut an {names} und {count} weiteren Empfänger gesendet.',
  'why.replaced.more_other': 'Sie haben die Nachricht stattdessen erneut an {names} und {count} weitere gesendet.',
  'why.replaced.unknown': 'Sie haben die Nachricht stattdessen erneut an andere gesendet.',

  'why.refused.reply': '{via} hat endgültig abgelehnt: {reply}',
  'why.refused.no-such-domain': 'Die Domain {domain} gibt es nicht, oder sie nimmt keine Post an.',
  'why.refused.null-mx': 'Die Domain {domain} erklärt, dass sie keine Post annimmt.',
  'why.refused.bad-name': '„{domain}“ ist keine gültige Domain.',
  'why.refused.too-large': 'Die Nachricht ist größer, als {via} annimmt.',
  'why.refused.needs-8bitmime': '{via} kann keine Nachrichten mit 8-Bit-Text annehmen.',
  'why.refused.needs-smtputf8': '{via} kann keine Adressen mit internationalen Zeichen annehmen.',
  'why.refused.other': '{via} hat endgültig abgelehnt.',
  'why.refused.allGateways': 'Jedes verwendbare Gateway hat endgültig abgelehnt; das letzte war „{via}“: {reply}',
  'why.expired': 'Aufgegeben: Innerhalb der Grenze, die Sie gesetzt haben, war keine Zustellung möglich.',
  'why.expired.passes': 'Aufgegeben: Die direkte Zustellung scheiterte, ebenso drei Versuche über Ihre Gateways.',
  'why.failed': 'Sie konnte nicht zugestellt werden.',
  'why.folder.outbox':
    'An diese Adresse wird nicht weiter versucht; die Nachricht bleibt im Ausgang für die, die noch warten.',
  'why.folder.bounced': 'Die Nachricht ist unter „Zurückgekommen“.',
  'why.folder.bad':
    'Die Nachricht ist unter „Unzustellbar“: Der Absender bekommt nichts zurück, Sie entscheiden, was geschieht.',

  'gateway.unknown': 'in diesem Netzwerk noch nicht versucht',
  'gateway.works': 'funktioniert hier ({ms} ms)',
  'gateway.works.tls': 'funktioniert hier ({tls}, {ms} ms)',
  'gateway.unreachable': 'hier nicht erreichbar seit {at}',
  'gateway.sign-in-refused': 'Anmeldung abgelehnt',
  'gateway.no-secret': 'Passwort fehlt',
  'gateway.tls-failed': 'keine sichere Verbindung',
  'gateway.refused': 'leitet Ihre Post hier nicht weiter',
  'gateway.disabled': 'ausgeschaltet',
  'gateway.not-here': 'in diesem Netzwerk nicht verwendet',

  'test.dns.ok': 'Der Rechnername wurde gefunden.',
  'test.dns.failed': 'Der Rechnername wurde nicht gefunden.',
  'test.dns.skipped': 'Kein Nachschlagen nötig.',
  'test.connect.ok': 'Der Server antwortet.',
  'test.connect.failed': 'Der Server antwortet nicht.',
  'test.connect.skipped': 'Die Verbindung wurde nicht versucht.',
  'test.tls.ok': 'Die Verbindung ist verschlüsselt und das Zertifikat gültig.',
  'test.tls.unverified':
    'Die Verbindung ist verschlüsselt, aber das Zertifikat war nicht prüfbar. Sie haben das erlaubt.',
  'test.tls.failed': 'Keine sichere Verbindung möglich.',
  'test.tls.skipped': 'Die Verbindung ist nicht verschlüsselt.',
  'test.sign-in.ok': 'Die Anmeldung wurde angenommen.',
  'test.sign-in.failed': 'Die Anmeldung wurde abgelehnt.',
  'test.sign-in.skipped': 'Keine Anmeldung nötig oder nicht erreicht.',
  'test.transaction.ok': 'Der Server würde Post von Ihnen annehmen.',
  'test.transaction.failed': 'Der Server würde keine Post von Ihnen annehmen.',
  'test.transaction.skipped': 'Nicht erreicht.',

  'dialUp.dialling': '„{name}“ wird gewählt.',
  'dialUp.dialled': '„{name}“ ist verbunden.',
  'dialUp.failed': '„{name}“ konnte nicht gewählt werden: {detail}',
  'dialUp.hungUp': '„{name}“ wurde getrennt: Keine Post wartet.',
  'dialUp.hangUpFailed': '„{name}“ konnte nicht getrennt werden: {detail}',

  'problem.listener.taken':
    'Port {port} wird von einem anderen Programm benutzt; Mailprogramme können keine Post übergeben.',
  'problem.listener.forbidden':
    'Das System erlaubt diesem Programm Port {port} nicht. Ports ab 1024 brauchen keine besonderen Rechte.',
  'problem.listener.address': 'Die Adresse, auf der gewartet werden soll, gibt es auf diesem Computer nicht.',
  'problem.listener.other': 'Der Server für Mailprogramme konnte nicht starten: {detail}',
  'problem.certificate.unreadable':
    'Das Zertifikat für Mailprogramme ist nicht lesbar: {file}. Das bisherige bleibt in Gebrauch; gab es keines, wird keine Verschlüsselung angeboten.',
  'problem.certificate.mismatch':
    'Das Zertifikat für Mailprogramme, {file}, und sein Schlüssel gehören nicht zusammen. Das bisherige Paar bleibt in Gebrauch; gab es keines, wird keine Verschlüsselung angeboten.',
  'problem.certificate.broken':
    'Das Zertifikat für Mailprogramme oder sein Schlüssel ist beschädigt oder mit einem Passwort gesperrt: {file}. Das bisherige bleibt in Gebrauch; gab es keines, wird keine Verschlüsselung angeboten.',
  'problem.listenerAddress':
    'Unter {hosts} wird keine Post angenommen: Dieser Computer hat die Adresse gerade nicht, oder ein anderes Programm benutzt dort den Port. Bei einem Netzwerkwechsel wird es erneut versucht.',
  'problem.settingsSetAside':
    'Die Einstellungsdatei war nicht lesbar. Sie wurde als {file} aufgehoben; es gelten die Voreinstellungen. Gesendet wird nichts, bis Sie settings.json in Ordnung bringen, Ihre Einstellungen importieren oder entscheiden, dass es mit den jetzigen Einstellungen weitergeht.',
  'problem.settingsHeld':
    'Es wird nichts gesendet: Diese Werte in settings.json sind nicht lesbar und bestimmen, wohin Post gehen oder wer sie übergeben darf: {values}. Berichtigen Sie sie in der Datei oder im Einstellungsfenster, oder machen Sie mit dem weiter, was an ihrer Stelle gilt.',
  'problem.goOnAsItIs': 'Mit den jetzigen Einstellungen weitermachen',
  'problem.goOnWith': 'Mit „{value}“ weitermachen',
  'problem.goOnWithThese': 'Mit dem weitermachen, was stattdessen gilt',
  'problem.settingsWrong':
    'Einige Werte in settings.json sind nicht lesbar, an ihrer Stelle gelten die Voreinstellungen: {values}. Bevor sie überschrieben werden, wird eine Kopie der Datei aufgehoben.',
  'problem.settingsUnreadable':
    'settings.json wurde geändert und ist nicht mehr lesbar ({why}). Es gelten die Einstellungen von vorher; eine Kopie der Datei bleibt erhalten.',
  'problem.queue-set-aside_one':
    'Die Warteschlangendatei war beschädigt. Sie wurde als {file} aufgehoben; {count} Nachricht wurde gerettet.',
  'problem.queue-set-aside_other':
    'Die Warteschlangendatei war beschädigt. Sie wurde als {file} aufgehoben; {count} Nachrichten wurden gerettet.',
  'problem.disk-full': 'Der Datenträger ist fast voll: Bis Platz ist, wird keine neue Post angenommen.',
  'problem.drops-set-aside_one':
    '{count} Nachricht, die mit postcast sendmail übergeben wurde, kann nicht in die Warteschlange ({why}). Sie ist in {folder} aufgehoben.',
  'problem.drops-set-aside_other':
    '{count} Nachrichten, die mit postcast sendmail übergeben wurden, können nicht in die Warteschlange (die letzte: {why}). Sie sind in {folder} aufgehoben.',
  'problem.drops-lie-aside_one':
    '{count} Nachricht, die mit postcast sendmail übergeben wurde, konnte nicht in die Warteschlange. Sie ist in {folder} aufgehoben.',
  'problem.drops-lie-aside_other':
    '{count} Nachrichten, die mit postcast sendmail übergeben wurden, konnten nicht in die Warteschlange. Sie sind in {folder} aufgehoben.',
  'problem.drops-wait_one':
    '{count} Nachricht, die mit postcast sendmail übergeben wurde, kann zurzeit nicht gelesen oder eingereiht werden ({why}). Sie bleibt in {folder}, es wird wieder versucht.',
  'problem.drops-wait_other':
    '{count} Nachrichten, die mit postcast sendmail übergeben wurden, können zurzeit nicht gelesen oder eingereiht werden ({why}). Sie bleiben in {folder}, es wird wieder versucht.',
  'problem.read-only': 'Der Profilordner ist nicht beschreibbar; es kann keine Post angenommen werden.',
  'problem.secrets-obfuscated':
    'Dieses System hat keinen Schlüsselspeicher: Passwörter sind nur verschleiert, nicht geschützt.',
  'problem.secrets-unavailable':
    'Dieses System hat keinen brauchbaren Schlüsselspeicher: Passwörter werden nicht gespeichert.',
  'problem.sign-in-refused': 'Die Anmeldung bei „{gateway}“ wurde abgelehnt. Prüfen Sie Benutzernamen und Passwort.',
  'problem.no-secret': 'Das Passwort für „{gateway}“ fehlt.',
  'problem.again.server':
    '„{gateway}“ wird nicht verwendet: Passwort oder Anmeldung wird erneut gebraucht, weil der Server von {from} auf {to} geändert wurde.',
  'problem.again.security':
    '„{gateway}“ wird nicht verwendet: Passwort oder Anmeldung wird erneut gebraucht, weil die Sicherheit der Verbindung zu {to} geändert wurde.',
  'problem.again.way':
    '„{gateway}“ wird nicht verwendet: Passwort oder Anmeldung wird erneut gebraucht, weil eine Einstellungsdatei den Proxy oder die DNS-Server geändert hat.',
  'problem.again.unknown':
    '„{gateway}“ wird nicht verwendet: Passwort oder Anmeldung wird erneut gebraucht, weil nicht bekannt ist, für welchen Server es bestimmt war.',
  'problem.secretsUnreadable':
    'Die gespeicherten Passwörter sind nicht lesbar ({why}). Bis dahin kann keines gespeichert werden, damit keines verloren geht.',
  'problem.secretsSetAside':
    'Die Datei der gespeicherten Passwörter war beschädigt. Sie wurde als {file} aufgehoben; die Passwörter müssen neu eingegeben werden.',
  'problem.relaying-denied': '„{gateway}“ leitet Ihre Post in diesem Netzwerk nicht weiter.',
  'problem.tls-failed': 'Keine sichere Verbindung zu „{gateway}“. Es wurde kein Passwort gesendet.',
  'problem.intercepted': 'Dieses Netzwerk fängt die Verbindung zu „{gateway}“ ab. Es wurde kein Passwort gesendet.',
  'problem.oauth-revoked':
    'Die Anmeldung für „{gateway}“ ist beendet. Melden Sie sich neu an, um das Gateway zu verwenden.',
  'problem.internal': 'Im Programm ist etwas schiefgegangen: {detail}',

  'report.failed.expired':
    'Die Nachricht konnte in der dafür gesetzten Zeit nicht zugestellt werden und wird nicht mehr versucht.',
  'report.relayed': '{via} hat die Nachricht übernommen, meldet aber nicht, ob sie zugestellt wurde.',
  'report.delayed':
    'Die Nachricht konnte noch nicht zugestellt werden. Es wird weiter versucht; Sie müssen sie nicht neu senden.',

  'notify.bad': 'Eine Nachricht konnte nicht gesendet werden und ist unter „Unzustellbar“: {subject}',
  'notify.bounced': 'Eine Nachricht konnte nicht zugestellt werden und ist unter „Zurückgekommen“: {subject}',

  'testMessage.subject': 'Testnachricht von PostCast Server',
  'testMessage.body':
    'Diese Nachricht wurde von PostCast Server auf {host} gesendet, um zu sehen, ob Post durchkommt. Sie kam an.',

  ...deGateways,
  ...deSignIn,
};

/** German, complete by construction. */
export const german: Catalogue = { locale: 'de', templates: de };
