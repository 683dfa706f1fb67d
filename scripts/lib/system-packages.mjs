// What the tests need from the system beyond Node.js, and how to get it on Debian and Ubuntu.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { elapsed, runCommand, say } from './process.mjs';

/** Programs by package. `for` names the runners that cannot run without them. */
const PROGRAMS = [
  { program: 'Xvfb', package: 'xvfb', for: ['e2e'] },
  { program: 'dbus-run-session', package: 'dbus', for: ['e2e'] },
  { program: 'gnome-keyring-daemon', package: 'gnome-keyring', for: ['e2e'] },
  { program: 'xfce4-panel', package: 'xfce4-panel', for: ['e2e'] },
  { program: 'xdotool', package: 'xdotool', for: ['e2e'] },
  { program: 'import', package: 'imagemagick', for: ['e2e'] },
  { program: 'swaks', package: 'swaks', for: ['integration', 'e2e'] },
  { program: 'msmtp', package: 'msmtp', for: ['integration'] },
  { program: 'dnsmasq', package: 'dnsmasq-base', for: ['integration'] },
  { program: 'postfix', package: 'postfix', for: ['integration', 'e2e'] },
  { program: 'ip', package: 'iproute2', for: ['integration'] },
  { program: 'nft', package: 'nftables', for: ['integration'] },
];

/** Shared libraries of Electron by package; newer releases name some of them with t64. */
const LIBRARIES = {
  'libgtk-3.so.0': ['libgtk-3-0t64', 'libgtk-3-0'],
  'libgdk-3.so.0': ['libgtk-3-0t64', 'libgtk-3-0'],
  'libatk-1.0.so.0': ['libatk1.0-0t64', 'libatk1.0-0'],
  'libatk-bridge-2.0.so.0': ['libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'],
  'libatspi.so.0': ['libatspi2.0-0t64', 'libatspi2.0-0'],
  'libglib-2.0.so.0': ['libglib2.0-0t64', 'libglib2.0-0'],
  'libgobject-2.0.so.0': ['libglib2.0-0t64', 'libglib2.0-0'],
  'libgio-2.0.so.0': ['libglib2.0-0t64', 'libglib2.0-0'],
  'libcups.so.2': ['libcups2t64', 'libcups2'],
  'libasound.so.2': ['libasound2t64', 'libasound2'],
  'libnss3.so': ['libnss3'],
  'libnssutil3.so': ['libnss3'],
  'libsmime3.so': ['libnss3'],
  'libnspr4.so': ['libnspr4'],
  'libdbus-1.so.3': ['libdbus-1-3'],
  'libdrm.so.2': ['libdrm2'],
  'libgbm.so.1': ['libgbm1'],
  'libexpat.so.1': ['libexpat1'],
  'libpango-1.0.so.0': ['libpango-1.0-0'],
  'libcairo.so.2': ['libcairo2'],
  'libX11.so.6': ['libx11-6'],
  'libxcb.so.1': ['libxcb1'],
  'libXcomposite.so.1': ['libxcomposite1'],
  'libXdamage.so.1': ['libxdamage1'],
  'libXext.so.6': ['libxext6'],
  'libXfixes.so.3': ['libxfixes3'],
  'libXrandr.so.2': ['libxrandr2'],
  'libxkbcommon.so.0': ['libxkbcommon0'],
  'libudev.so.1': ['libudev1'],
};

function onPath(program) {
  return [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some(
    (folder) => folder !== '' && existsSync(path.join(folder, program)),
  );
}

/**
 * What is missing for these runners.
 * @returns {Promise<{ what: string, candidates: string[], for: string[] }[]>}
 */
async function findMissing(runners, electronPath) {
  const missing = PROGRAMS.filter(
    ({ program, for: users }) => users.some((u) => runners.includes(u)) && !onPath(program),
  ).map((entry) => ({ what: entry.program, candidates: [entry.package], for: entry.for }));
  if (electronPath !== undefined) {
    for (const library of await missingLibraries(electronPath)) {
      missing.push({ what: library, candidates: LIBRARIES[library] ?? [], for: ['e2e'] });
    }
  }
  return missing;
}

/** Shared libraries that an executable needs and the system lacks. */
export async function missingLibraries(executable) {
  const { output } = await runCommand('ldd', [executable]);
  return [...output.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name);
}

/** What to type to get the shared libraries that Electron lacks here; undefined if none is missing. */
export async function libraryInstallCommand(executable) {
  const missing = await missingLibraries(executable);
  if (missing.length === 0) return undefined;
  const packages = await packageNames(missing.map((what) => ({ what, candidates: LIBRARIES[what] ?? [] })));
  return { missing, command: installCommand(packages) };
}

async function packageNames(missing) {
  const names = new Set();
  for (const { what, candidates } of missing) names.add((await firstKnown(candidates)) ?? candidates[0] ?? what);
  return [...names];
}

async function firstKnown(candidates) {
  if (candidates.length < 2) return candidates[0];
  for (const name of candidates) {
    const { code, output } = await runCommand('apt-cache', ['policy', name]);
    if (code === 0 && /Candidate: (?!\(none\))/.test(output)) return name;
  }
  return undefined;
}

function installCommand(packages) {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}apt-get install --no-install-recommends ${packages.join(' ')}`;
}

function isDebian() {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/**
 * Makes sure that the system has what these runners need; installs it where that may be done unasked (root on Debian or
 * Ubuntu with CI=true). Returns the runners that cannot run, each with the reason.
 * @returns {Promise<Map<string, string>>}
 */
export async function ensureSystemPackages(runners, electronPath) {
  if (process.platform !== 'linux') return new Map();
  let missing = await findMissing(runners, electronPath);
  if (missing.length > 0 && process.env['CI'] === 'true' && process.getuid?.() === 0 && isDebian()) {
    await aptInstall(missing);
    missing = await findMissing(runners, electronPath);
  }
  if (missing.length > 0) {
    say(`Missing on this system: ${missing.map(({ what }) => what).join(', ')}. On Debian or Ubuntu:`);
    say(`  ${installCommand(await packageNames(missing))}`);
  }
  const unable = new Map();
  for (const { what, for: users } of missing) {
    for (const runner of users) unable.set(runner, `${unable.has(runner) ? `${unable.get(runner)}, ` : ''}${what}`);
  }
  return unable;
}

/** Refuses the start of every service by a package's installation: the tests run servers of their own. */
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT = '#!/bin/sh\n# Put here by the tests of postcast-server while they install packages.\nexit 101\n';

async function aptInstall(missing) {
  const start = performance.now();
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand('apt-get', ['update'], { env });
  const packages = await packageNames(missing);
  say(`Installing system packages: ${packages.join(' ')} …`);
  const ticker = setInterval(() => say(`  still installing, ${elapsed(start)}`), 15_000);
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  try {
    if (packages.includes('postfix')) {
      await runCommand('sh', [
        '-c',
        'echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections',
      ]);
    }
    const { code, output } = await runCommand('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      env,
    });
    if (code === 0) say(`System packages installed in ${elapsed(start)}.`);
    else process.stdout.write(output);
  } finally {
    clearInterval(ticker);
    if (ownPolicy && readFileSync(POLICY, 'utf8') === POLICY_TEXT) rmSync(POLICY);
  }
}
