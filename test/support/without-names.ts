/** A program for which the system's own name look-up ends on this computer: what it asks for by name does not exist. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** True where this process may give a program a view of the file system of its own. */
export function canHideNames(): boolean {
  return process.platform === 'linux' && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

/**
 * Makes a program that becomes `command` with its arguments, in a mount namespace whose resolver knows nothing but
 * /etc/hosts. The process stays the same one, so it can be ended and driven as usual.
 */
export function withoutNames(command: string): { readonly executable: string; remove(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'without-names-'));
  writeFileSync(path.join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  writeFileSync(path.join(folder, 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files\n');
  const inside = [
    'for file in resolv.conf nsswitch.conf; do',
    '  if [ -e "/etc/$file" ]; then mount --bind "$0/$file" "/etc/$file" || exit 1; fi',
    'done',
    'exec "$@"',
  ].join('\n');
  const executable = path.join(folder, 'start');
  writeFileSync(
    executable,
    `#!/bin/sh\nexec unshare --mount --propagation private sh -c '${inside}' '${folder}' '${command}' "$@"\n`,
    { mode: 0o755 },
  );
  return {
    executable,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
