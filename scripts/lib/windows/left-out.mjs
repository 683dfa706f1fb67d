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

/** Tests that are skipped by themselves on Windows (`skipIf`). */
export const SKIPPED = [];

/**
 * Tests that fail under Wine for a fault of Wine's, each with its proof. Such a failure counts as skipped, and is named; one
 * that passes is named as well, so that its line is taken out.
 */
export const WINE_FAILURES = [];
