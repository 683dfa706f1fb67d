import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';

const root = path.resolve(import.meta.dirname, '../..');

/** Options of launchApp. */
export interface LaunchOptions {
  /** Names the folder of the screenshots: test-output/NAME/. */
  readonly name: string;
  /** A profile folder to use; it is kept. Default: a new temporary one, removed by close(). */
  readonly profile?: string;
  /** Further arguments for the program. */
  readonly args?: readonly string[];
  /** Added to the environment, DISPLAY among them. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The built program, running in real Electron. */
export interface LaunchedApp {
  readonly app: ElectronApplication;
  readonly profile: string;
  /** The first window, once it is there. */
  firstWindow(): Promise<Page>;
  /** Saves test-output/NAME/LABEL.png and returns its path. */
  screenshot(page: Page, label: string): Promise<string>;
  /** Ends the program, and removes its profile folder if it was a temporary one. */
  close(): Promise<void>;
}

/** Starts the program in out/ with a profile of its own. Throws if it was not built. */
export async function launchApp(options: LaunchOptions): Promise<LaunchedApp> {
  const executablePath = process.env['POSTCAST_TEST_ELECTRON'];
  if (executablePath === undefined) throw new Error('The end-to-end tests are run by `npm run e2e`.');
  if (!existsSync(path.join(root, 'out/main/main.js'))) throw new Error('Not built: run `npm run build` first.');
  const temporary = options.profile === undefined ? await mkdtemp(path.join(tmpdir(), 'postcast-e2e-')) : undefined;
  const profile = options.profile ?? temporary ?? '';
  const output = path.join(root, 'test-output', options.name);
  await mkdir(output, { recursive: true });

  const app = await _electron.launch({
    executablePath,
    cwd: root,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--password-store=basic',
      `--user-data-dir=${path.join(profile, 'electron')}`,
      root,
      '--profile',
      profile,
      ...(options.args ?? []),
    ],
    env: { ...definedEnvironment(), ...options.env },
  });
  return {
    app,
    profile,
    firstWindow: () => app.firstWindow(),
    screenshot: async (page, label) => {
      const file = path.join(output, `${label}.png`);
      await page.screenshot({ path: file });
      return file;
    },
    close: async () => {
      await app.close();
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    },
  };
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
