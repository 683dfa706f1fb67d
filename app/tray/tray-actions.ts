/** Does what was clicked in the tray's menu. */
import { dialog } from 'electron';
import { assertNever } from '../../shared/result.ts';
import type { RunningEngine } from '../engine/engine-port.ts';
import type { TrayAction } from './tray-menu.ts';
import type { WindowOpener } from '../windows/window-opener.ts';
import type { ShellWords } from '../shell/words.ts';

/** Options of createTrayActions. */
export interface TrayActionsOptions {
  readonly engine: Pick<RunningEngine, 'api' | 'status'>;
  readonly windows: Pick<WindowOpener, 'showMain' | 'showSettings'>;
  readonly words: () => ShellWords;
  /** Draws the menu anew. */
  readonly redraw: () => void;
  readonly quit: () => Promise<void>;
}

/** Returns what does an action; it rejects as the engine or a window does. */
export function createTrayActions(options: TrayActionsOptions): (action: TrayAction) => Promise<void> {
  const { engine, windows, words, redraw, quit } = options;

  async function askAndQuit(): Promise<void> {
    const waiting = engine.status().counts.outbox;
    if (waiting > 0) {
      const question = words().quitQuestion(waiting);
      const { response } = await dialog.showMessageBox({
        type: 'question',
        message: question.message,
        detail: question.detail,
        buttons: [question.quit, question.stay],
        defaultId: 0,
        cancelId: 1,
      });
      if (response !== 0) return;
    }
    await quit();
  }

  return async (action) => {
    const { api } = engine;
    switch (action.kind) {
      case 'open':
        return windows.showMain();
      case 'settings':
        return windows.showSettings('gateways');
      case 'send-now':
        await api['control.sendNow']({});
        return;
      case 'pause':
        await api['control.pause']({});
        return;
      case 'resume':
        await api['control.resume']({});
        return;
      case 'set-mode':
        await api['settings.set']({ changes: [{ path: 'gateways.mode', value: action.mode }] });
        // A radio item that could not be set must not look as if it were.
        return redraw();
      case 'use-port':
        await api['server.usePort']({ port: action.port });
        return;
      case 'quit':
        return askAndQuit();
      default:
        return assertNever(action);
    }
  };
}
