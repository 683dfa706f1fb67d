/** Shows notifications through the system. */
import { Notification } from 'electron';
import type { Notice } from './notifications.ts';

/** A notification is forgotten, and can no longer be clicked, after this time. */
const KEEP_MS = 30 * 60_000;

/** Shows it; `clicked` is called if the user clicks it. Without a notification service nothing happens. */
export function showNotice(notice: Notice, icon: string, clicked: () => void): void {
  if (!Notification.isSupported()) return;
  const shown = new Notification({ title: notice.title, body: notice.body, icon });
  // Held on to, else it is collected as garbage and the click is lost.
  live.add(shown);
  const forget = (): void => {
    live.delete(shown);
  };
  setTimeout(forget, KEEP_MS).unref();
  shown.on('click', () => {
    forget();
    clicked();
  });
  shown.on('close', forget);
  shown.on('failed', forget);
  shown.show();
}

const live = new Set<Notification>();
