/** The program's entry: one instance per profile, then straight to the engine; everything else is loaded when it is wanted. */
import { app, dialog, protocol } from 'electron';
import path from 'node:path';
import { parseArguments } from './arguments.ts';
import { logTrouble } from './trouble.ts';
import { openProfile } from './profile.ts';
import { PAGE_SCHEME } from './ipc-server.ts';

// Two processes fewer to hold in memory: our windows show our own files only, so neither the GPU nor the network has
// anything hostile to be kept apart from (docs/decisions.md has the figures).
app.commandLine.appendSwitch('in-process-gpu');
app.disableHardwareAcceleration();
// What windows run is compiled whole and kept (`codeCache` below): else a thousand functions are compiled one by one at each
// opening, a fifth of the time until the first rows are seen.
app.commandLine.appendSwitch('js-flags', '--no-lazy');

const args = parseArguments(process.argv);

function begin(): void {
  let profile: string;
  try {
    profile = openProfile(args.profile, process.cwd());
  } catch (error) {
    dialog.showErrorBox('PostCast Server', `The profile folder cannot be used.\n${(error as Error).message}`);
    app.exit(1);
    return;
  }
  // Electron's own files stay out of the user's way, and its lock is per profile.
  app.setPath('userData', path.join(profile, 'electron'));
  app.setPath('sessionData', path.join(profile, 'electron'));
  if (!app.requestSingleInstanceLock({ hidden: args.hidden })) {
    process.stderr.write('PostCast Server is already running with this profile; its window is shown.\n');
    app.exit(0);
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
  import('./shell.ts')
    .then(({ runShell }) => runShell({ profile, hidden: args.hidden, trouble, ending: () => (ending = true) }))
    .catch((error: unknown) => {
      trouble('start', error);
      // Its box would hold up the end until somebody clicks.
      if (ending) return;
      dialog.showErrorBox('PostCast Server', `PostCast Server could not start.\n${(error as Error).message}`);
      app.exit(1);
    });
}

begin();
