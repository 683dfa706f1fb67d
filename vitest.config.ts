import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const guard = ['test/support/network-guard.ts'];
// What is waited for comes, or the bound of the test ends it: a busy machine must not fail it sooner.
// Under Wine everything that touches a file or a process takes several times as long.
const slow = process.platform === 'win32' ? 4 : 1;
const expectation = { poll: { timeout: 30_000 * slow, interval: 50 } };
const rendererTests = ['test/renderer/**/*.test.{ts,tsx}'];

export default defineConfig({
  test: {
    // Two cores are what a small build machine has; the timed parts of the tests count on them.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          expect: expectation,
          // A test that hangs is told by this, not one on a machine that is busy.
          testTimeout: 30_000 * slow,
          hookTimeout: 30_000 * slow,
          include: ['test/**/*.test.ts'],
          exclude: [...rendererTests, 'test/integration/**', 'test/e2e/**', 'test/bench/**'],
          setupFiles: guard,
        },
      },
      {
        plugins: [react()],
        test: {
          name: 'unit-renderer',
          expect: expectation,
          include: rendererTests,
          environment: 'happy-dom',
          setupFiles: [...guard, 'test/support/renderer-setup.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          expect: expectation,
          include: ['test/integration/**/*.test.ts'],
          setupFiles: guard,
          testTimeout: 120_000 * slow,
          hookTimeout: 120_000 * slow,
        },
      },
      {
        test: {
          name: 'e2e',
          expect: expectation,
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/e2e-setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
