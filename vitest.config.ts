import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const guard = ['test/support/network-guard.ts'];
const rendererTests = ['test/renderer/**/*.test.{ts,tsx}'];

export default defineConfig({
  test: {
    // Two cores are what a small build machine has; the timed parts of the tests count on them.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          // A test that hangs is told by this, not one on a machine that is busy.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          include: ['test/**/*.test.ts'],
          exclude: [...rendererTests, 'test/integration/**', 'test/e2e/**', 'test/bench/**'],
          setupFiles: guard,
        },
      },
      {
        plugins: [react()],
        test: {
          name: 'unit-renderer',
          include: rendererTests,
          environment: 'happy-dom',
          setupFiles: [...guard, 'test/support/renderer-setup.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          setupFiles: guard,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/e2e-setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
