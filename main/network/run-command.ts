/** Runs one of the system's own commands: no shell, an end in sight, English output. */
import { execFile } from 'node:child_process';

export type CommandResult =
  | { readonly kind: 'ended'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' };

/** How a command is run; tests put their own in its place. `timeoutMs` > 0. Never rejects. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
) => Promise<CommandResult>;

export const runCommand: RunCommand = (command, args, timeoutMs, signal) => {
  const late = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    execFile(
      command,
      [...args],
      {
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        encoding: 'utf8',
        maxBuffer: 8 * 1024 * 1024,
        env: { ...process.env, LC_ALL: 'C' },
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ kind: 'ended', code: 0, stdout, stderr });
        else if (error.name === 'AbortError') resolve({ kind: signal?.aborted === true ? 'aborted' : 'timed-out' });
        else if (error.code === 'ENOENT' || error.code === 'EACCES') resolve({ kind: 'missing' });
        else resolve({ kind: 'ended', code: typeof error.code === 'number' ? error.code : -1, stdout, stderr });
      },
    );
  });
};

/** What the command printed if it ended well, else ''. For questions whose missing answer is an answer. */
export async function outputOf(
  run: RunCommand,
  command: string,
  args: readonly string[],
  timeoutMs = 5_000,
): Promise<string> {
  const result = await run(command, args, timeoutMs);
  return result.kind === 'ended' && result.code === 0 ? result.stdout : '';
}
