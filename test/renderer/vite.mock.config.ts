import react from '@vitejs/plugin-react';
import path from 'node:path';
import { defineConfig } from 'vite';

/** Builds the windows over the mock bridge into test-output/renderer-mock. */
// eslint-disable-next-line no-restricted-syntax -- Vite asks for a default export
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react()],
  build: {
    target: 'chrome130',
    outDir: path.join(import.meta.dirname, '../../test-output/renderer-mock'),
    emptyOutDir: true,
    rolldownOptions: { input: path.join(import.meta.dirname, 'mock.html') },
  },
});
