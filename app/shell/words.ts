/** What the shell itself says outside its windows: tray, notifications, questions. English and German. */
import { assertNever } from '../../shared/result.ts';
import type { TrayWords } from '../tray/tray-menu.ts';

/** Words of tray, notifications and dialogs. */
export interface ShellWords {
  readonly tray: TrayWords;
  readonly failedTitle: { readonly bad: string; readonly bounced: string };
  readonly failedMany: (count: number) => string;
  /** Of as many messages that failed. */
  readonly mayHaveArrived: (count: number) => string;
  readonly listenerTitle: string;
  readonly stillRunning: { readonly title: string; readonly body: string };
  readonly quitQuestion: (waiting: number) => {
    readonly message: string;
    readonly detail: string;
    readonly quit: string;
    readonly stay: string;
  };
  readonly saveMessage: string;
  readonly saveAttachment: string;
  readonly saveText: string;
  readonly openText: string;
  readonly tooLarge: string;
}

const english: ShellWords = {
  tray: {
    program: 'PostCast Server',
    states: {
      idle: 'Ready',
      waiting: 'Waiting for the next attempt',
      sending: 'Sending',
      paused: 'Paused',
      'no-way-out': 'Nothing can leave on this network',
      'waiting-network': 'Waiting for a network',
      'waiting-dial-up': 'Waiting for a dial-up connection',
      attention: 'Needs your attention',
    },
    modes: {
      never: 'Do not use SMTP gateways',
      undelivered: 'Use gateways for undelivered messages',
      onError: 'Use gateways whenever an error occurs',
      domains: 'Use gateways only for certain domains',
      always: 'Always use SMTP gateways',
    },
    waiting: (count) => (count === 1 ? '1 message waiting' : `${count} messages waiting`),
    failed: (count) => (count === 1 ? '1 message could not be delivered' : `${count} messages could not be delivered`),
    listenerFailed: (port) => `Not accepting mail: port ${port} cannot be used`,
    settingsHold: 'Nothing is sent: a setting cannot be read',
    open: 'Open PostCast Server',
    sendNow: 'Send now',
    pause: 'Pause',
    resume: 'Resume',
    useGateways: 'Use gateways',
    settings: 'Settings…',
    usePort: (port) => `Use port ${port} instead`,
    quit: 'Quit',
  },
  failedTitle: { bad: 'Message could not be sent', bounced: 'Message was returned' },
  failedMany: (count) => `${count} messages could not be delivered`,
  mayHaveArrived: (count) =>
    count === 1 ? 'It may have arrived all the same.' : 'Some may have arrived all the same.',
  listenerTitle: 'PostCast Server accepts no mail',
  stillRunning: {
    title: 'PostCast Server is still running',
    body: 'It goes on accepting and sending mail. Start it again to see its window.',
  },
  quitQuestion: (waiting) => ({
    message: waiting === 1 ? 'One message is still waiting.' : `${waiting} messages are still waiting.`,
    detail: 'They are safe on disk and will be sent when PostCast Server runs again.',
    quit: 'Quit',
    stay: 'Keep running',
  }),
  saveMessage: 'Save message',
  saveAttachment: 'Save attachment',
  saveText: 'Save',
  openText: 'Open',
  tooLarge: 'The file is too large.',
};

const german: ShellWords = {
  tray: {
    program: 'PostCast Server',
    states: {
      idle: 'Bereit',
      waiting: 'Wartet auf den nächsten Versuch',
      sending: 'Sendet',
      paused: 'Angehalten',
      'no-way-out': 'In diesem Netzwerk geht nichts hinaus',
      'waiting-network': 'Wartet auf ein Netzwerk',
      'waiting-dial-up': 'Wartet auf eine Einwahlverbindung',
      attention: 'Braucht Ihre Aufmerksamkeit',
    },
    modes: {
      never: 'Keine SMTP-Gateways verwenden',
      undelivered: 'Gateways für unzustellbare Nachrichten verwenden',
      onError: 'Gateways bei jedem Fehler verwenden',
      domains: 'Gateways nur für bestimmte Domains verwenden',
      always: 'Immer SMTP-Gateways verwenden',
    },
    waiting: (count) => (count === 1 ? '1 Nachricht wartet' : `${count} Nachrichten warten`),
    failed: (count) =>
      count === 1
        ? '1 Nachricht konnte nicht zugestellt werden'
        : `${count} Nachrichten konnten nicht zugestellt werden`,
    listenerFailed: (port) => `Nimmt keine Post an: Port ${port} ist nicht verwendbar`,
    settingsHold: 'Sendet nichts: Eine Einstellung ist nicht lesbar',
    open: 'PostCast Server öffnen',
    sendNow: 'Jetzt senden',
    pause: 'Anhalten',
    resume: 'Fortsetzen',
    useGateways: 'Gateways verwenden',
    settings: 'Einstellungen…',
    usePort: (port) => `Stattdessen Port ${port} verwenden`,
    quit: 'Beenden',
  },
  failedTitle: { bad: 'Nachricht konnte nicht gesendet werden', bounced: 'Nachricht kam zurück' },
  failedMany: (count) => `${count} Nachrichten konnten nicht zugestellt werden`,
  mayHaveArrived: (count) =>
    count === 1 ? 'Sie ist vielleicht trotzdem angekommen.' : 'Einige sind vielleicht trotzdem angekommen.',
  listenerTitle: 'PostCast Server nimmt keine Post an',
  stillRunning: {
    title: 'PostCast Server läuft weiter',
    body: 'Er nimmt weiter Post an und sendet sie. Starten Sie ihn erneut, um das Fenster zu sehen.',
  },
  quitQuestion: (waiting) => ({
    message: waiting === 1 ? 'Eine Nachricht wartet noch.' : `${waiting} Nachrichten warten noch.`,
    detail: 'Sie sind sicher gespeichert und werden gesendet, sobald PostCast Server wieder läuft.',
    quit: 'Beenden',
    stay: 'Weiterlaufen lassen',
  }),
  saveMessage: 'Nachricht speichern',
  saveAttachment: 'Anhang speichern',
  saveText: 'Speichern',
  openText: 'Öffnen',
  tooLarge: 'Die Datei ist zu groß.',
};

/** `setting`: general.language; `locale`: the system's, for ''. */
export function shellWords(setting: '' | 'en' | 'de', locale: string): ShellWords {
  switch (setting) {
    case 'en':
      return english;
    case 'de':
      return german;
    case '':
      return locale.toLowerCase().startsWith('de') ? german : english;
    default:
      return assertNever(setting);
  }
}
