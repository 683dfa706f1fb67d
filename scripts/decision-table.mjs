#!/usr/bin/env node
// Prints the decision table of the tests as docs/outcomes.md. The tests fail while the page is stale.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'unit', 'test/main/policy/outcomes.test.ts', '--update'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exitCode = run.status ?? 1;
