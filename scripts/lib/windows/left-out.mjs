// What the test run with Windows' Node.js leaves out, each with its reason. Everything else of the projects unit and
// integration runs; what is skipped there without a line here is named as such.

/** Files that are not run at all: what they want from the system is Linux's. Patterns of a path, with forward slashes. */
export const FILES = [
  { file: 'test/integration/network-dial-up.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-kernel.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-known.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-lies.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-manager.test.ts', why: 'NetworkManager' },
  { file: 'test/integration/network-manager-program.test.ts', why: 'NetworkManager' },
  { file: 'test/integration/network-paths.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-sleep.test.ts', why: 'network namespaces' },
  { file: 'test/integration/network-switching.test.ts', why: 'network namespaces' },
  { file: 'test/integration/delivery-dns.test.ts', why: 'dnsmasq' },
  { file: 'test/integration/delivery-postfix.test.ts', why: 'Postfix' },
  { file: 'test/integration/listener-clients.test.ts', why: 'swaks, msmtp, Python' },
  { file: 'test/integration/report-parsers.test.ts', why: 'Python' },
  { file: 'test/integration/routes-blackhole.test.ts', why: 'network namespaces' },
  { file: 'test/integration/routes-connections.test.ts', why: 'Postfix, dnsmasq' },
  { file: 'test/integration/routes-direct.test.ts', why: 'Postfix, OpenSMTPD' },
  { file: 'test/integration/routes-gateways.test.ts', why: 'Postfix' },
  { file: 'test/integration/routes-identity.test.ts', why: 'Postfix, dkimpy' },
  { file: 'test/integration/routes-reports.test.ts', why: 'Postfix' },
];

/** Tests that skip themselves on Windows, by what they are about. */
export const SKIPPED = [
  { file: 'test/app/cli.test.ts', test: /others can write to/, why: 'mode bits' },
  { file: 'test/main/log/log.test.ts', test: /readable by the user alone/, why: 'mode bits' },
  { file: 'test/main/control/control-socket.test.ts', why: 'socket files: on Windows it is a named pipe' },
  { file: 'test/app/secrets/secrets.test.ts', test: /on a volume that is not there/, why: 'symbolic links' },
  { file: 'test/app/windows/save-file.test.ts', test: /follows a link/, why: 'symbolic links' },
  { file: 'test/main/listener/certificate-changes.test.ts', test: /symbolic links/, why: 'symbolic links' },
  { file: 'test/app/windows/save-file.test.ts', test: /device or a pipe/, why: 'pipes and devices among the files' },
  { file: 'test/main/maildrop/maildrop.test.ts', test: /waits at no pipe/, why: 'pipes and devices among the files' },
  { file: 'test/support/ports.test.ts', test: /with what it started/, why: 'process groups' },
  { file: 'test/main/network/dial-up.test.ts', test: /running a command/, why: 'commands of Unix (sh, printf, sleep)' },
  { file: 'test/scripts/packed-native-code.test.ts', test: /opens an archive/, why: 'tar' },
  { file: 'test/integration/faults-servers.test.ts', test: /black hole/, why: 'stopping a process (SIGSTOP)' },
  { file: 'test/integration/faults-servers.test.ts', test: /that lies/, why: 'dnsmasq' },
  { file: 'test/integration/faults-settings.test.ts', test: /for gateways only/, why: 'dnsmasq' },
  { file: 'test/integration/unknown-outcomes.test.ts', test: /mail servers/, why: 'dnsmasq' },
  { file: 'test/integration/faults-drops.test.ts', test: /disk that is full/, why: 'a file system of its own' },
  { file: 'test/integration/faults-storage.test.ts', why: 'a file system of its own' },
  { file: 'test/scripts/windows-report.test.ts', test: /name under Wine/, why: 'paths of Linux' },
];

/**
 * Tests that fail under Wine for a fault of Wine's, which `proof` names in wine-faults.cjs: there it is shown without anything
 * of this program. Such a failure counts as skipped, and is named; one that passes is named as well, so that its line can be
 * taken out.
 */
export const WINE_FAILURES = [
  {
    file: 'test/main/control/control-socket.test.ts',
    test: /leaves a socket alone that somebody answers on/,
    why: 'two programs can listen on one pipe',
    proof: 'two-listeners',
  },
  {
    file: 'test/main/log/log.test.ts',
    test: /a file that the user removes begins anew/,
    why: 'a file that is removed while it is open keeps its name',
    proof: 'name-of-a-removed-file',
  },
];
