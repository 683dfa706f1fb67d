/** The windows' calls: sender checked, input parsed, handler called, Result returned. Never throws across. */
import type { IpcMain, IpcMainInvokeEvent } from 'electron';
import type { Dispatch } from '../../main/control/dispatch.ts';
import { fail, type Result } from '../../shared/result.ts';
import { PAGE_ORIGIN } from './page-scheme.ts';

/** The one channel for calls and the one for events; which call or event, the payload says. */
export const CALL_CHANNEL = 'postcast:call';
export const EVENT_CHANNEL = 'postcast:event';

/** True if `url` is one of our own pages. */
export function isOwnPage(url: string): boolean {
  return url === PAGE_ORIGIN || url.startsWith(`${PAGE_ORIGIN}/`);
}

/** The part of the event that decides whether the sender may call. */
export type Sender = Pick<IpcMainInvokeEvent, 'senderFrame'> & { readonly sender: { readonly id: number } };

/**
 * True for the top frame of one of our windows showing one of our pages. Frames inside it (the preview of a message) may
 * not call, nor may a frame that has gone away meanwhile.
 */
export function mayCall(event: Sender, isOwnWindow: (webContentsId: number) => boolean): boolean {
  const frame = event.senderFrame;
  if (frame === null || !isOwnWindow(event.sender.id)) return false;
  return frame.parent === null && isOwnPage(frame.url);
}

/** Starts to answer. `dispatch` knows the calls of engine and windows together. */
export function serveIpc(
  ipcMain: Pick<IpcMain, 'handle'>,
  dispatch: Dispatch,
  isOwnWindow: (webContentsId: number) => boolean,
  problem: (event: string, error: unknown) => void,
): void {
  ipcMain.handle(CALL_CHANNEL, async (event, name: unknown, input: unknown): Promise<Result<unknown>> => {
    if (!mayCall(event, isOwnWindow)) {
      problem('call from a frame that may not call', new Error(String(event.senderFrame?.url).slice(0, 200)));
      return fail('forbidden', 'This page may not do that.');
    }
    return dispatch(name, input);
  });
}
