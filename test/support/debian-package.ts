/** Debian packages unpacked into a cache folder: for programs that cannot be installed beside others, or need not be. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The folder that the package was unpacked into, or why it could not be had. Fetched once, then kept. */
export function unpackedPackage(
  name: string,
): { readonly ok: true; readonly folder: string } | { readonly ok: false; readonly why: string } {
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'postcast-server', 'deb');
  const folder = path.join(cache, name);
  if (existsSync(folder)) return { ok: true, folder };
  let work: string | undefined;
  try {
    mkdirSync(cache, { recursive: true });
    work = mkdtempSync(path.join(cache, `.${name}-`));
    execFileSync('apt-get', ['download', name], { cwd: work, stdio: 'pipe' });
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) return { ok: false, why: `apt-get download ${name} gave nothing` };
    execFileSync('dpkg', ['-x', file, 'tree'], { cwd: work, stdio: 'pipe' });
    renameSync(path.join(work, 'tree'), folder);
    return { ok: true, folder };
  } catch (error) {
    // Another test process may have been faster.
    if (existsSync(folder)) return { ok: true, folder };
    return {
      ok: false,
      why: `${name} cannot be had: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    };
  } finally {
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
  }
}
