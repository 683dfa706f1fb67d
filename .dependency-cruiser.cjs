// Imports go shared <- main <- app and shared <- renderer; main/policy -> shared only.
const NODE_MODULES = '(^|/)node_modules/';

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
