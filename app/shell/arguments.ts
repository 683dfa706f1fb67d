/** What the program was started with. Pure. */

/** Understood arguments. */
export interface Arguments {
  /** As written; null = the default profile. */
  readonly profile: string | null;
  readonly hidden: boolean;
}

/**
 * Takes the arguments from anywhere in the command line: Electron and Chromium add switches of their own, and in the work
 * tree the program's folder comes first. `--profile DIR` and `--profile=DIR`; the last one counts.
 */
export function parseArguments(argv: readonly string[]): Arguments {
  let profile: string | null = null;
  let hidden = false;
  for (let i = 1; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--hidden') hidden = true;
    else if (argument.startsWith('--profile=')) profile = argument.slice('--profile='.length) || null;
    else if (argument === '--profile') {
      const next = argv[i + 1];
      if (next !== undefined && !next.startsWith('--')) {
        profile = next;
        i++;
      }
    }
  }
  return { profile, hidden };
}
