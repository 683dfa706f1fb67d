// Imports go shared <- main <- app and shared <- renderer; main/policy -> shared only.
const NODE_MODULES = '(^|/)node_modules/';

/**
 * What each room of main/ may import from other rooms, besides policy/ and runtime/, which all may. `…-port.ts` and the
 * like stand for a room's contract alone: the rest of it is made in program/ and handed over. program/ may import everything.
 */
const LOG = 'log/log-port\\.ts';
const QUEUE = 'queue/queue-store\\.ts';
const DELIVERY = 'delivery/delivery-port\\.ts';
const DNS = 'dns/dns-port\\.ts';
const SETTINGS = 'settings/(settings-store|read-settings)\\.ts';
const ROOMS = {
  message: [],
  log: [],
  settings: [],
  control: [],
  preview: [QUEUE],
  discovery: [DNS, 'secrets/oauth/bounded-fetch\\.ts'],
  queue: ['message/'],
  // Takes what the store can hold into account (drop-limits.ts).
  maildrop: [LOG, QUEUE, 'queue/migrations/schema\\.ts', 'message/'],
  // Of DNS: the sort of answers that a sender's domain gets.
  listener: [LOG, QUEUE, 'message/', 'dns/resolver-watch\\.ts'],
  network: [LOG, QUEUE, SETTINGS],
  dns: [LOG],
  smtp: [LOG, 'message/'],
  // The outgoing message is signed; sign-in asks the provider over the same proxies.
  secrets: [LOG, QUEUE, DELIVERY, 'smtp/'],
  delivery: [
    LOG,
    QUEUE,
    'message/',
    'dns/',
    'smtp/',
    'network/network-memory\\.ts',
    'secrets/(secret-store|gateway-secrets)\\.ts',
  ],
  // The type of a recipient that an attempt has concluded.
  report: [LOG, QUEUE, 'message/', 'attempt/attempt\\.ts'],
  attempt: [LOG, QUEUE, DELIVERY, 'report/'],
  scheduler: [
    LOG,
    QUEUE,
    DELIVERY,
    DNS,
    SETTINGS,
    'attempt/',
    'report/',
    'network/(network-port|network-memory|interpret-facts)\\.ts',
  ],
  api: [
    LOG,
    QUEUE,
    DELIVERY,
    SETTINGS,
    'scheduler/',
    'message/',
    'network/network-port\\.ts',
    'secrets/(secret-store|gateway-secrets)\\.ts',
  ],
};
const roomRules = Object.entries(ROOMS).map(([room, others]) => ({
  name: `room-${room}`,
  severity: 'error',
  comment: 'A room imports from others what .dependency-cruiser.cjs lists for it; what else it needs is handed to it.',
  from: { path: `^main/${room}/` },
  to: {
    path: '^main/',
    pathNot: [room, 'policy', 'runtime'].map((own) => `^main/${own}/`).concat(others.map((other) => `^main/${other}`)),
  },
}));

/** Parts of a room that nobody else may import, and rooms that only those named may. */
const INSIDE = [
  ['queue/(sqlite|salvage)', ['queue']],
  ['network/(linux|macos|windows)', ['network']],
  ['delivery/gateways', ['delivery']],
  ['listener', ['listener', 'program']],
  ['scheduler', ['scheduler', 'api', 'program']],
  ['attempt', ['attempt', 'report', 'scheduler', 'program']],
  ['report', ['report', 'attempt', 'scheduler', 'program']],
  ['api', ['api', 'program']],
  // The engine's thread composes: it starts the program and serves the command line.
  ['program', ['program', 'engine-thread']],
  ['control', ['control', 'engine-thread']],
];
const insideRules = INSIDE.map(([part, rooms]) => ({
  name: `inside-${part.replace(/\W+/g, '-')}`,
  severity: 'error',
  comment: `Only ${rooms.join(', ')} of main/ may import main/${part}.`,
  from: { path: '^main/', pathNot: rooms.map((room) => `^main/${room}/`) },
  to: { path: `^main/${part}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Modules that need each other are one module, or want a third one. Types alone may refer to each other.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      comment: 'It must be found on every machine: spell it right, or add it to package.json.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'shared-imports-zod-only',
      severity: 'error',
      comment: 'The contract is what both sides share: no Node.js, no DOM, no other library.',
      from: { path: '^shared/' },
      to: { pathNot: ['^shared/', `${NODE_MODULES}zod/`] },
    },
    {
      name: 'policy-is-pure',
      severity: 'error',
      comment: 'Decisions import shared/ and each other: no I/O can be reached from them.',
      from: { path: '^main/policy/' },
      to: { pathNot: ['^main/policy/', '^shared/', `${NODE_MODULES}(ipaddr\\.js|punycode\\.js)/`] },
    },
    {
      name: 'runtime-imports-nothing',
      severity: 'error',
      comment: 'Clock, chance, emitter and the like: every room may use them, so they know none.',
      from: { path: '^main/runtime/' },
      to: { path: ['^main/', '^shared/'], pathNot: ['^main/runtime/'] },
    },
    ...roomRules,
    ...insideRules,
    {
      name: 'attempt-by-its-entry',
      severity: 'error',
      comment: 'An attempt is run by runAttempt; how it goes about it is its own business. See the head of attempt.ts.',
      from: { path: '^main/', pathNot: '^main/attempt/' },
      to: { path: '^main/attempt/', pathNot: '^main/attempt/(attempt|in-flight-limit|store-retry)\\.ts$' },
    },
    {
      name: 'report-by-its-entry',
      severity: 'error',
      comment: 'What is due and the finished report come from reporter.ts, its time from report-scheduler.ts.',
      from: { path: '^main/', pathNot: '^main/report/' },
      to: { path: '^main/report/', pathNot: '^main/report/(reporter|report-scheduler)\\.ts$' },
    },
    {
      name: 'queue-by-its-contract',
      severity: 'error',
      comment: 'Users of the queue know the part of its contract that they need; the composition opens it.',
      from: { path: '^(app|main)/', pathNot: '^main/queue/' },
      to: { path: '^main/queue/', pathNot: '^main/queue/(queue-store|open-queue-store)\\.ts$' },
    },
    {
      name: 'message-is-pure',
      severity: 'error',
      comment: 'Every room and the command line build on it (main/message/README.md).',
      from: { path: '^main/message/' },
      to: { pathNot: ['^main/message/', '^shared/', '^main/runtime/clock\\.ts$', '^(node:)?url$'] },
    },
    {
      name: 'smtp-knows-no-delivery',
      severity: 'error',
      comment: 'The SMTP client reports facts; which hop is used, and why, is not its matter (main/smtp/README.md).',
      from: { path: '^main/smtp/' },
      to: { path: '^main/', pathNot: ['^main/(smtp|policy|message|log|runtime)/'] },
    },
    {
      name: 'nodemailer-in-one-file',
      severity: 'error',
      comment: 'Its private members are used there (docs/library-overrides.md).',
      from: { path: '^(app|main|shared)/', pathNot: '^main/smtp/connection\\.ts$' },
      to: { path: `${NODE_MODULES}nodemailer/` },
    },
    {
      name: 'smtp-server-in-one-room',
      severity: 'error',
      comment: 'Its private members are used there (docs/library-overrides.md).',
      from: { path: '^(app|main|shared)/', pathNot: '^main/listener/' },
      to: { path: `${NODE_MODULES}smtp-server/` },
    },
    {
      name: 'main-runs-without-electron',
      severity: 'error',
      comment: 'The engine runs whole under plain Node.js in tests and benches.',
      from: { path: '^main/' },
      to: { path: ['^app/', '^renderer/', '^test/', '^electron$', `${NODE_MODULES}electron/`] },
    },
    {
      name: 'renderer-imports-shared-only',
      severity: 'error',
      comment: 'A window knows the contract and the browser; everything else goes over IPC.',
      from: { path: '^renderer/' },
      to: { path: ['^app/', '^main/', '^test/', '^electron$', `${NODE_MODULES}electron/`] },
    },
    {
      name: 'renderer-without-node',
      severity: 'error',
      comment: 'Windows are sandboxed: Node.js is not there.',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'app-without-renderer',
      severity: 'error',
      comment: 'The shell loads the window as a page; it does not import it.',
      from: { path: '^app/' },
      to: { path: ['^renderer/', '^test/'] },
    },
    {
      name: 'command-line-without-electron',
      severity: 'error',
      comment: 'postcast is started by plain Node.js.',
      from: { path: '^app/cli\\.ts$' },
      to: { reachable: true, path: ['^electron$', `${NODE_MODULES}electron/`] },
    },
    {
      name: 'only-app-imports-electron',
      severity: 'error',
      from: { pathNot: ['^app/', '^test/', '^scripts/'] },
      to: { path: ['^electron$', `${NODE_MODULES}electron/`] },
    },
    {
      name: 'no-tools-in-the-program',
      severity: 'error',
      comment: 'What the built program loads at run time has to be among the dependencies.',
      from: { path: '^(app|main|shared)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: [`${NODE_MODULES}electron/`] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    skipAnalysisNotInRules: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
