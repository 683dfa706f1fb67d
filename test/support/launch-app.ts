import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { PATIENCE_MS } from './patience.ts';
import {
  electronArguments,
  electronPath,
  makeProfile,
  root,
  type SettingsSections,
  type TestProfile,
} from './program.ts';

/** Options of launchApp. */
export interface LaunchOptions {
  /** Names the folder of the screenshots: test-output/NAME/. */
  readonly name: string;
  /** A profile to use; it is kept. Default: a new one with `settings`, removed by close(). */
  readonly profile?: TestProfile;
  readonly settings?: SettingsSections;
  /** Further arguments for the program. */
  readonly args?: readonly string[];
  /** Started in place of Electron: a program that takes Electron's arguments and becomes Electron. */
  readonly executable?: string;
  /** Added to the environment, DISPLAY among them. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The built program, running in real Electron, with its windows in our hands. */
export interface LaunchedApp {
  readonly app: ElectronApplication;
  readonly profile: TestProfile;
  /** The first window, once it is there. */
  firstWindow(): Promise<Page>;
  /** What `open` opens. */
  openedBy(open: () => Promise<unknown>): Promise<Page>;
  /** Saves test-output/NAME/LABEL.png and returns its path. */
  screenshot(page: Page, label: string): Promise<string>;
  /** Ends the program; its profile stays. */
  quit(): Promise<void>;
  /** Ends the program if it runs, and removes its profile if it was a temporary one. */
  close(): Promise<void>;
}

/** Starts the program in out/ with a profile of its own. Throws if it was not built. */
export async function launchApp(options: LaunchOptions): Promise<LaunchedApp> {
  const executablePath = options.executable ?? electronPath();
  if (!existsSync(path.join(root, 'out/main/main.js'))) throw new Error('Not built: run `npm run build` first.');
  const profile = options.profile ?? (await makeProfile(options.settings));
  const output = path.join(root, 'test-output', options.name);
  await mkdir(output, { recursive: true });
  const app = await _electron.launch({
    executablePath,
    cwd: root,
    args: electronArguments(profile.folder, options.args ?? []),
    env: { ...definedEnvironment(), ...options.env },
    timeout: PATIENCE_MS,
  });
  app.context().setDefaultTimeout(PATIENCE_MS);
  // Asked for now: it is not known any more once the program has ended.
  const child = app.process();
  return {
    app,
    profile,
    firstWindow: () => app.firstWindow({ timeout: PATIENCE_MS }),
    openedBy: async (open) => {
      const [page] = await Promise.all([app.waitForEvent('window', { timeout: PATIENCE_MS }), open()]);
      return page;
    },
    screenshot: async (page, label) => {
      const file = path.join(output, `${label}.png`);
      // As a person sees it: a dialog that has come up, not one on its way.
      await page.screenshot({ path: file, animations: 'disabled' });
      return file;
    },
    quit: () => endAsked(app),
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) await endAsked(app);
      if (options.profile === undefined) await profile.remove();
    },
  };
}

/**
 * Has the program end as the system asks it to, and insists that it ends well. Not by Playwright's close(): that quits from
 * within a call of the debugger and hangs up on it meanwhile, and Electron 33 then often crashes at the end of its threads.
 */
async function endAsked(app: ElectronApplication): Promise<void> {
  const child = app.process();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`The program ended with ${code ?? signal}.`);
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
