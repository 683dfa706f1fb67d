/** What is to be said of settings.json as it stands (spec §10). Pure. */
import { phrase } from '../../shared/phrases.ts';
import type { Problem } from '../../shared/status.ts';
import type { SettingsStore } from './settings-store.ts';
import { settingsHold, type UnreadableSetting } from './read-settings.ts';

type File = Pick<SettingsStore, 'problems' | 'undecided' | 'setAside'>;
type Told = Pick<Problem, 'severity' | 'phrase' | 'action'>;

/** So many values are named in a sentence. */
const MAX_NAMED = 8;

/** True if everything that the user wrote is in effect: nothing in the file is unread, nothing undecided. */
export function isReadable({ problems = [], undecided = null }: File): boolean {
  return problems.length === 0 && undecided === null;
}

/** `gateways.mode: “allways” → “always”`; a path alone where the value is not to be said. */
function named(problem: UnreadableSetting): string {
  const { path: at, written, instead } = problem;
  if (written === undefined) return at;
  return `${at}: “${written}”${instead === undefined ? '' : ` → “${instead}”`}`;
}

function list(problems: readonly UnreadableSetting[]): string {
  const more = problems.length > MAX_NAMED ? ', …' : '';
  return `${problems.slice(0, MAX_NAMED).map(named).join(', ')}${more}`;
}

/** What the queue holds for, and what would go on. */
function held(file: File): Told | null {
  if (!settingsHold(file)) return null;
  const { undecided = null, problems = [] } = file;
  if (undecided !== null) {
    return {
      severity: 'error',
      phrase: phrase('problem.settingsSetAside', { file: undecided }),
      action: phrase('problem.goOnAsItIs'),
    };
  }
  const holding = problems.filter((problem) => problem.holds);
  const [only] = holding;
  const value = holding.length === 1 ? only?.instead : undefined;
  return {
    severity: 'error',
    phrase: phrase('problem.settingsHeld', { values: list(holding) }),
    action: value === undefined ? phrase('problem.goOnWithThese') : phrase('problem.goOnWith', { value }),
  };
}

/**
 * Each problem's id with what is to be said, null = nothing.
 * @param unreadable Why the file cannot be read at all as it stands now; the settings from before are in use
 */
export function settingsProblems(file: File, unreadable: string | null): readonly (readonly [string, Told | null])[] {
  const others = (file.problems ?? []).filter((problem) => !problem.holds);
  const warning: Told['phrase'] | null =
    unreadable !== null
      ? phrase('problem.settingsUnreadable', { why: unreadable })
      : others.length > 0
        ? phrase('problem.settingsWrong', { values: list(others) })
        : null;
  return [
    ['settings', held(file)],
    ['settings-file', warning === null ? null : { severity: 'warning', phrase: warning }],
  ];
}
