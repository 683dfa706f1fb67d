import type { enSignIn } from './en-sign-in.ts';

/** German words about signing in at a provider (OAuth 2; spec §3.4). */
export const deSignIn: Readonly<Record<keyof typeof enSignIn, string>> = {
  'gateway.state.signInNeeded': 'Angehalten: Melden Sie sich an, um dieses Gateway zu verwenden.',
  'gateway.state.signInEnded': 'Angehalten: Die Anmeldung ist beendet. Melden Sie sich neu an.',

  'problem.oauth-sign-in': 'Melden Sie sich an, um „{gateway}“ zu verwenden. Bis dahin bleibt es außen vor.',

  'oauth.signed-in': 'Angemeldet. Das Gateway kann jetzt verwendet werden.',
  'oauth.signed-out': 'Abgemeldet. Das Gateway bleibt außen vor, bis Sie sich wieder anmelden.',
  'oauth.no-client-id':
    'Dieses Programm ist bei diesem Anbieter noch nicht angemeldet. Geben Sie eine eigene Client-ID ein (aus der Entwicklerkonsole des Anbieters), speichern Sie und melden Sie sich erneut an.',
  'oauth.bad-issuer': 'Geben Sie google, microsoft oder die https-Adresse des Anbieters ein.',
  'oauth.not-oauth2':
    'Dieses Gateway verwendet OAuth 2 nicht. Wählen Sie es, speichern Sie und melden Sie sich erneut an.',
  'oauth.no-browser': 'Der Browser konnte nicht geöffnet werden.',
  'oauth.no-port': 'Für die Antwort des Browsers konnte kein lokaler Port geöffnet werden.',
  'oauth.timeout': 'Vom Browser kam nicht rechtzeitig eine Antwort. Versuchen Sie es erneut.',
  'oauth.cancelled': 'Die Anmeldung wurde abgebrochen.',
  'oauth.flooded': 'Etwas anderes auf diesem Computer störte die Anmeldung. Versuchen Sie es erneut.',
  'oauth.declined': 'Die Anmeldung wurde nicht gewährt: Zugriff verweigert.',
  'oauth.refused': 'Der Anbieter hat die Anmeldung abgelehnt ({code}).',
  'oauth.not-reachable': 'Der Anbieter war nicht erreichbar. Prüfen Sie das Netzwerk und versuchen Sie es erneut.',
  'oauth.bad-provider': 'Der Anbieter antwortete in einer Weise, die dieses Programm nicht versteht.',
  'oauth.not-stored': 'Die Anmeldung konnte nicht aufgehoben werden: {detail}',
};
