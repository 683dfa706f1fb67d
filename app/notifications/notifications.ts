/** Which notifications are shown (spec §9): failures only, one for many. Electron shows them in notification-host.ts. */
import type { ListenerState } from '../../shared/status.ts';
import type { FailedMessage } from '../engine/engine-port.ts';
import type { ShellWords } from '../shell/words.ts';

/** One notification. `id`: the message that a click opens, null for the window itself. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly id: string | null;
  readonly page: string | null;
}

/** Options of createNotifier. */
export interface NotifierOptions {
  readonly show: (notice: Notice) => void;
  readonly enabled: () => boolean;
  readonly words: () => ShellWords;
  /** Collects what fails within this time into one. Milliseconds. */
  readonly gatherMs: number;
  readonly after: (ms: number, run: () => void) => void;
}

/** Told of what happens, shows what is worth it. */
export interface Notifier {
  failed(message: FailedMessage): void;
  listener(state: ListenerState): void;
}

/** Control characters, and marks that turn the direction of text, would let a server draw what it likes. */
function plain(text: string, length: number): string {
  const clean = text
    // eslint-disable-next-line no-control-regex -- control characters are what is removed
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  return clean.length <= length ? clean : `${clean.slice(0, length - 1)}…`;
}

/** See Notifier. */
export function createNotifier(options: NotifierOptions): Notifier {
  let gathered: FailedMessage[] = [];
  let lastListenerFailure: string | null = null;

  const flush = (): void => {
    const messages = gathered;
    gathered = [];
    if (!options.enabled()) return;
    const words = options.words();
    const [only] = messages;
    if (only === undefined) return;
    const doubt = messages.some((message) => message.mayHaveArrived)
      ? `\n${words.mayHaveArrived(messages.length)}`
      : '';
    if (messages.length === 1) {
      const subject = plain(only.subject, 80);
      const why = only.words === null ? '' : `\n${plain(only.words, 160)}`;
      options.show({
        title: words.failedTitle[only.folder],
        body: `${plain(only.to, 100)}${subject === '' ? '' : `: ${subject}`}${doubt}${why}`,
        id: only.id,
        page: null,
      });
    } else {
      const names = [...new Set(messages.map((message) => plain(message.to, 60)))];
      const more = names.length > 3 ? ', …' : '';
      options.show({
        title: words.failedMany(messages.length),
        body: `${names.slice(0, 3).join(', ')}${more}${doubt}`,
        id: null,
        page: null,
      });
    }
  };

  return {
    failed: (message) => {
      gathered.push(message);
      if (gathered.length === 1) options.after(options.gatherMs, flush);
    },
    listener: (state) => {
      if (state.kind !== 'failed') {
        if (state.kind === 'listening') lastListenerFailure = null;
        return;
      }
      const failure = `${state.port} ${state.reason}`;
      if (failure === lastListenerFailure) return;
      lastListenerFailure = failure;
      if (!options.enabled()) return;
      const words = options.words();
      options.show({ title: words.listenerTitle, body: plain(state.message, 200), id: null, page: 'server' });
    },
  };
}
