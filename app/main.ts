/** The program's entry: one instance per profile, then straight to the engine; everything else is loaded when it is wanted. */
import { app, dialog, Menu, protocol } from 'electron';
import path from 'node:path';
import { parseArguments } from './shell/arguments.ts';
import { logTrouble } from './shell/trouble.ts';
import { openProfile } from './shell/profile.ts';
import { PAGE_SCHEME } from './windows/ipc-server.ts';

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

const args = parseArguments(process.argv);

/** However long the queue takes to open: the tray icon is not kept waiting for longer. */
const STANDING_WITHIN_MS = 1_000;
let stands = (): void => undefined;
/**
 * Resolves once mail is taken, or it is clear that it will not be, or it takes too long. entry.mjs waits for it: until then
 * Electron lets the event loop run, afterwards it keeps the thread to itself for the 150 ms of its own start.
 */
export const standing = new Promise<void>((resolve) => {
  stands = resolve;
  setTimeout(resolve, STANDING_WITHIN_MS);
});

function begin(): void {
  let profile: string;
  try {
    profile = openProfile(args.profile, process.cwd());
  } catch (error) {
    dialog.showErrorBox('PostCast Server', `The profile folder cannot be used.\n${(error as Error).message}`);
    app.exit(1);
    stands();
    return;
  }
  // Electron's own files stay out of the user's way, and its lock is per profile.
  app.setPath('userData', path.join(profile, 'electron'));
  app.setPath('sessionData', path.join(profile, 'electron'));
  if (!app.requestSingleInstanceLock({ hidden: args.hidden })) {
    process.stderr.write('PostCast Server is already running with this profile; its window is shown.\n');
    app.exit(0);
    stands();
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
  import('./shell/shell.ts')
    .then(({ runShell }) => runShell({ profile, hidden: args.hidden, trouble, stands, ending: () => (ending = true) }))
    .catch((error: unknown) => {
      stands();
      trouble('start', error);
      // Its box would hold up the end until somebody clicks.
      if (ending) return;
      dialog.showErrorBox('PostCast Server', `PostCast Server could not start.\n${(error as Error).message}`);
      app.exit(1);
    });
}

begin();
