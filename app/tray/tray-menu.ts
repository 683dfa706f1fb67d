/** What the tray shows, decided from the status alone. Pure: Electron makes a menu of it in tray.ts. */
import { assertNever } from '../../shared/result.ts';
import { MODES, type GatewayMode } from '../../shared/settings.ts';
import type { AppStatus, ProgramState } from '../../shared/status.ts';

/** What a click asks for. */
export type TrayAction =
  | { readonly kind: 'open' }
  | { readonly kind: 'send-now' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'set-mode'; readonly mode: GatewayMode }
  | { readonly kind: 'settings' }
  | { readonly kind: 'use-port'; readonly port: number }
  | { readonly kind: 'quit' };

/** One line of the menu. */
export type TrayItem =
  | { readonly type: 'separator' }
  /** Says something, cannot be clicked. */
  | { readonly type: 'label'; readonly label: string }
  | { readonly type: 'action'; readonly label: string; readonly action: TrayAction; readonly enabled: boolean }
  | { readonly type: 'radio'; readonly label: string; readonly action: TrayAction; readonly checked: boolean }
  | { readonly type: 'submenu'; readonly label: string; readonly items: readonly TrayItem[] };

/** Name of a picture in assets/tray. */
export type TrayPicture = Exclude<ProgramState, 'waiting' | 'no-way-out'>;

/** Icon, tooltip and menu. */
export interface TrayView {
  readonly icon: TrayPicture;
  readonly tooltip: string;
  readonly items: readonly TrayItem[];
}

/** The words of the tray in the user's language. */
export interface TrayWords {
  readonly program: string;
  readonly states: Readonly<Record<ProgramState, string>>;
  readonly modes: Readonly<Record<GatewayMode, string>>;
  readonly waiting: (count: number) => string;
  readonly failed: (count: number) => string;
  readonly listenerFailed: (port: number) => string;
  readonly settingsHold: string;
  readonly open: string;
  readonly sendNow: string;
  readonly pause: string;
  readonly resume: string;
  readonly useGateways: string;
  readonly settings: string;
  readonly usePort: (port: number) => string;
  readonly quit: string;
}

/** Windows cuts tooltips at 127 characters. */
const TOOLTIP_LENGTH = 127;

/** Takes the status and the words; the same ones give the same view. */
export function trayView(status: AppStatus, words: TrayWords): TrayView {
  const { counts, listener } = status;
  const unseen = counts.unseenBad + counts.unseenBounced;
  const lines = [`${words.program} – ${words.states[status.state]}`];
  if (listener.kind === 'failed') lines.push(words.listenerFailed(listener.port));
  if (status.hold === 'settings') lines.push(words.settingsHold);
  if (counts.outbox > 0) lines.push(words.waiting(counts.outbox));
  if (unseen > 0) lines.push(words.failed(unseen));
  const items: TrayItem[] = [
    { type: 'label', label: clip(words.states[status.state]) },
    ...(listener.kind === 'failed' ? listenerItems(listener, words) : []),
    ...(status.hold === 'settings' ? [{ type: 'label', label: words.settingsHold } as const] : []),
    { type: 'separator' },
    action(words.open, { kind: 'open' }),
    action(words.sendNow, { kind: 'send-now' }, counts.outbox > 0 && !status.paused),
    status.paused ? action(words.resume, { kind: 'resume' }) : action(words.pause, { kind: 'pause' }),
    {
      type: 'submenu',
      label: words.useGateways,
      items: MODES.map((mode) => ({
        type: 'radio',
        label: words.modes[mode],
        action: { kind: 'set-mode', mode },
        checked: status.mode === mode,
      })),
    },
    action(words.settings, { kind: 'settings' }),
    { type: 'separator' },
    action(words.quit, { kind: 'quit' }),
  ];
  return { icon: iconFor(status), tooltip: clip(lines.join('\n'), TOOLTIP_LENGTH), items };
}

function listenerItems(
  listener: Extract<AppStatus['listener'], { kind: 'failed' }>,
  words: TrayWords,
): readonly TrayItem[] {
  const said: TrayItem = { type: 'label', label: clip(words.listenerFailed(listener.port)) };
  if (listener.suggestedPort === null) return [said];
  return [said, action(words.usePort(listener.suggestedPort), { kind: 'use-port', port: listener.suggestedPort })];
}

/** A listener that cannot accept mail is what the user must see first, whatever the queue does. */
function iconFor(status: AppStatus): TrayPicture {
  if (status.listener.kind === 'failed') return 'attention';
  switch (status.state) {
    case 'idle':
    case 'sending':
    case 'paused':
    case 'waiting-network':
    case 'waiting-dial-up':
    case 'attention':
      return status.state;
    // Waiting for the next attempt asks nothing of the user; the tooltip tells how much waits.
    case 'waiting':
      return 'idle';
    // Like a network that is missing: another one mends it.
    case 'no-way-out':
      return 'waiting-network';
    default:
      return assertNever(status.state);
  }
}

function action(label: string, what: TrayAction, enabled = true): TrayItem {
  return { type: 'action', label, action: what, enabled };
}

function clip(text: string, length = 100): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
