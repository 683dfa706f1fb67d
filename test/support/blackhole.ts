/** A network whose best gateway cannot be reached: every packet to it is dropped, as a foreign provider's firewall does it. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundleForNode } from '../../scripts/lib/bundle.mjs';
import { labMissing } from './netns.ts';

const execute = promisify(execFile);
const HOLE = '127.66.0.1';

/** Milliseconds from the beginning of the submission to the arrival at the next gateway. */
export interface BlackHoleTimes {
  readonly first: number;
  readonly rest: readonly number[];
}

/** Null where it can be made, else why not. */
export function blackHoleMissing(): string | null {
  const missing = labMissing();
  if (missing !== null) return missing;
  return spawnSync('nft', ['--version']).status === 0 ? null : 'nft is missing (apt-get install nftables)';
}

/** Times our program, or Postfix with `smtp_fallback_relay`, in a namespace of its own. */
export async function timeBlackHole(subject: 'program' | 'postfix', following = 20): Promise<BlackHoleTimes> {
  const namespace = `pc-hole-${randomBytes(3).toString('hex')}`;
  const inside = (...command: readonly string[]): string[] => ['netns', 'exec', namespace, ...command];
  const root = path.resolve(import.meta.dirname, '../..');
  // Below node_modules, so that what is not bundled is found.
  const bundle = mkdtempSync(path.join(root, 'node_modules', '.postcast-test-'));
  try {
    await bundleForNode({
      entries: { 'blackhole-child': path.join(import.meta.dirname, 'blackhole-child.ts') },
      into: bundle,
      external: ['vite'],
    });
    await execute('ip', ['netns', 'add', namespace]);
    await execute('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    await execute('ip', inside('nft', 'add', 'table', 'ip', 'hole'));
    // Dropped on the way in: on the way out the system would tell the sender.
    await execute('ip', inside('nft', 'add chain ip hole in { type filter hook input priority 0; }'));
    await execute('ip', inside('nft', `add rule ip hole in ip daddr ${HOLE} drop`));
    const { stdout } = await execute(
      'ip',
      inside(process.execPath, path.join(bundle, 'blackhole-child.mjs'), subject, HOLE, String(following)),
      { cwd: root, timeout: 300_000, env: { ...process.env, POSTCAST_TEST_ROOT: root } },
    );
    const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
    if (result === undefined) throw new Error(`no result: ${stdout}`);
    return JSON.parse(result) as BlackHoleTimes;
  } finally {
    await execute('ip', ['netns', 'del', namespace]).catch(() => undefined);
    rmSync(bundle, { recursive: true, force: true });
  }
}
