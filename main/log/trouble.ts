/** Where unexpected errors go before and besides the engine's log. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

const MAX_BYTES = 1024 * 1024;

/** Tells of something that went wrong. Never throws. */
export type Trouble = (event: string, error: unknown) => void;

/**
 * Catches what nobody caught. The program goes on: accepted mail is on disk, and a mail server that ends because of a
 * window's bug would lose the user more than it saves. `logs/errors.log` says what happened, bounded in size.
 */
export function logTrouble(profile: string): Trouble {
  const file = path.join(profile, 'logs', 'errors.log');
  const trouble: Trouble = (event, error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const line = `${new Date().toISOString()} ${event}: ${text.replaceAll(/[\r\n]+\s*/g, ' | ').slice(0, 4000)}\n`;
    try {
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(file, `${file}.old`);
      appendFileSync(file, line, { mode: 0o600 });
    } catch {
      process.stderr.write(line);
    }
  };
  process.on('uncaughtException', (error) => trouble('uncaught exception', error));
  process.on('unhandledRejection', (reason) => trouble('unhandled rejection', reason));
  return trouble;
}
