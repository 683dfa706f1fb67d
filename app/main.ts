/** The program's entry: the engine's thread first, then one instance per profile, then the shell. */
import { firstEngineThread } from './engine/engine-worker.ts';
import { app, dialog, Menu, protocol } from 'electron';
import path from 'node:path';
import { logTrouble } from '../main/log/trouble.ts';
import { parseArguments } from './shell/arguments.ts';
import { openProfile } from './shell/profile.ts';
import { runShell } from './shell/shell.ts';
import { PAGE_SCHEME } from './windows/page-scheme.ts';

// Our windows show tables and text of our own files: drawn without a GPU, and without a software one in its place, there is
// one process fewer to hold in memory, and less in this one (docs/decisions.md has the figures).
app.commandLine.appendSwitch('in-process-gpu');
app.commandLine.appendSwitch('disable-gpu');
app.commandLine.appendSwitch('disable-software-rasterizer');
app.disableHardwareAcceleration();
// Electron builds a menu of its own at start unless it is told early that there is none; macOS gets ours (shell.ts).
Menu.setApplicationMenu(null);
// What windows run is compiled whole and kept (`codeCache` below): else a thousand functions are compiled one by one at each
// opening, a fifth of the time until the first rows are seen.
app.commandLine.appendSwitch('js-flags', '--no-lazy');

/** Ends the program before its engine was told anything: a process that ends under a thread that is still loading can crash. */
function leave(code: number): void {
  void firstEngineThread.terminate().finally(() => {
    app.exit(code);
  });
}

function begin(): void {
  const args = parseArguments(process.argv);
  let profile: string;
  try {
    profile = openProfile(args.profile, process.cwd());
  } catch (error) {
    dialog.showErrorBox('PostCast Server', `The profile folder cannot be used.\n${(error as Error).message}`);
    leave(1);
    return;
  }
  // Electron's own files stay out of the user's way, and its lock is per profile.
  app.setPath('userData', path.join(profile, 'electron'));
  app.setPath('sessionData', path.join(profile, 'electron'));
  if (!app.requestSingleInstanceLock({ hidden: args.hidden })) {
    process.stderr.write('PostCast Server is already running with this profile; its window is shown.\n');
    leave(0);
    return;
  }
  const trouble = logTrouble(profile);
  protocol.registerSchemesAsPrivileged([
    { scheme: PAGE_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
  let ending = false;
  app.once('before-quit', () => {
    ending = true;
  });
  runShell({
    profile,
    firstEngineThread,
    hidden: args.hidden,
    trouble,
    ending: () => (ending = true),
  }).catch((error: unknown) => {
    trouble('start', error);
    // Its box would hold up the end until somebody clicks.
    if (ending) return;
    dialog.showErrorBox('PostCast Server', `PostCast Server could not start.\n${(error as Error).message}`);
    leave(1);
  });
}

begin();
