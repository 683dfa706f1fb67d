// What the tests need from the system beyond Node.js, and how to get it on Debian and Ubuntu.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, elapsed, runCommand, say } from './process.mjs';

/** Of what no test starts itself. */
const NEVER = /(?!)/;

/**
 * Programs (or files) by Debian package. One is needed by a runner if its tests name it: what a test starts stands in
 * quotes in its source, or in that of a module which it imports. `always` names runners that need it in any case.
 */
const PROGRAMS = [
  { program: 'Xvfb', package: 'xvfb', always: ['e2e', 'bench'] },
  { program: 'dbus-daemon', package: 'dbus' },
  { program: 'dbus-run-session', package: 'dbus' },
  { program: 'gnome-keyring-daemon', package: 'gnome-keyring' },
  {
    // What Electron reaches the key ring through; it loads it only when asked for a secret.
    file: `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/libsecret-1.so.0`,
    package: 'libsecret-1-0',
    named: /['"`/]gnome-keyring-daemon['"` ]/,
  },
  { program: 'xfce4-panel', package: 'xfce4-panel' },
  { program: 'xdotool', package: 'xdotool' },
  { program: 'import', package: 'imagemagick', named: /'import', *\[|\[?'-window'/ },
  { program: 'dunst', package: 'dunst' },
  { program: 'swaks', package: 'swaks' },
  {
    // Only recommended by swaks, which cannot do TLS without it. The folder of the module bears Perl's version.
    file: '/usr/share/doc/libnet-ssleay-perl/copyright',
    package: 'libnet-ssleay-perl',
    named: /['"`/]swaks['"`]/,
  },
  { program: 'msmtp', package: 'msmtp' },
  { program: 'curl', package: 'curl' },
  { program: 'openssl', package: 'openssl' },
  { program: 'dnsmasq', package: 'dnsmasq-base' },
  { program: 'postfix', package: 'postfix', named: /['"`/](postfix|postconf|postmap|smtp-source|smtp-sink)['"`]/ },
  { program: 'dovecot', package: 'dovecot-core' },
  { program: 'postgrey', package: 'postgrey' },
  { program: 'python3', package: 'python3' },
  { file: '/usr/lib/python3/dist-packages/dbusmock', package: 'python3-dbusmock', named: /dbusmock/ },
  { program: 'NetworkManager', package: 'network-manager' },
  { program: 'nmcli', package: 'network-manager' },
  { program: 'ip', package: 'iproute2' },
  { program: 'tc', package: 'iproute2' },
  { program: 'nft', package: 'nftables' },
  { file: '/usr/lib/wine/wine64', package: 'wine64', always: ['windows'], named: NEVER },
  { program: 'wineserver', package: 'wine', always: ['windows'], named: NEVER },
  { program: 'x86_64-w64-mingw32-gcc', package: 'gcc-mingw-w64-x86-64-win32', always: ['windows'], named: NEVER },
];

/** `windows` runs tests of other runners, as far as they want no program of Linux. */
const TESTS_OF = { integration: 'test/integration', e2e: 'test/e2e', bench: 'test/bench', windows: null };

/** The sources of a runner's tests and of all that they import from test/, in one string. */
function sourcesOf(runner) {
  if (TESTS_OF[runner] === null) return '';
  const folder = path.join(ROOT, TESTS_OF[runner]);
  if (!existsSync(folder)) return '';
  const files = new Set(
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(folder, name)),
  );
  let all = '';
  // The set grows while it is walked.
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    all += text;
    for (const [, imported] of text.matchAll(/from '(\.[^']+\.ts)'/g)) {
      const target = path.resolve(path.dirname(file), imported);
      if (target.startsWith(path.join(ROOT, 'test') + path.sep)) files.add(target);
    }
  }
  return all;
}

/** What these runners need: each entry of PROGRAMS that is needed, with the runners that need it. */
function neededBy(runners) {
  const sources = runners.filter((runner) => runner in TESTS_OF).map((runner) => ({ runner, text: sourcesOf(runner) }));
  return PROGRAMS.map((entry) => {
    const named = entry.named ?? new RegExp(`['"\`/]${entry.program}['"\`]`);
    return {
      ...entry,
      for: sources
        .filter(({ runner, text }) => entry.always?.includes(runner) === true || named.test(text))
        .map(({ runner }) => runner),
    };
  }).filter((entry) => entry.for.length > 0);
}

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
  const missing = neededBy(runners)
    .filter(({ program, file }) => (file === undefined ? !onPath(program) : !existsSync(file)))
    .map((entry) => ({ what: entry.program ?? entry.package, candidates: [entry.package], for: entry.for }));
  if (electronPath !== undefined) {
    for (const library of await missingLibraries(electronPath)) {
      missing.push({ what: library, candidates: LIBRARIES[library] ?? [], for: ['e2e', 'bench'] });
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
