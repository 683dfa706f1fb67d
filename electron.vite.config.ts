import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { chmodSync, existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'vite';

const root = import.meta.dirname;
const outDir = path.join(root, 'out');

// Everything else goes into the bundle: one file loads faster than hundreds. Minified ones were not seen to load faster.
const external = ['electron', /^electron\//, '@photostructure/sqlite', /^node:/, ...builtinModules];

/** The command line is started as a program of its own. */
function executable(file: string): Plugin {
  return {
    name: 'executable',
    writeBundle(options) {
      const target = path.join(options.dir ?? outDir, file);
      if (existsSync(target)) chmodSync(target, 0o755);
    },
  };
}

/** What the licences of the libraries inside ask for; `npm run pack` puts the three lists together. */
const license = { fileName: 'licenses.md' };

function present(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))));
}

export default defineConfig({
  main: {
    plugins: [executable('cli.js')],
    build: {
      outDir: path.join(outDir, 'main'),
      target: 'node20.18',
      sourcemap: false,
      // Names stay, for stack traces in the log; minified files were not seen to load faster.
      minify: false,
      license,
      externalizeDeps: false,
      rolldownOptions: {
        input: present({
          main: 'app/main.ts',
          engine: 'main/engine-thread/entry.ts',
          cli: 'app/cli.ts',
          'store-worker': 'main/queue/store-worker.ts',
          'preview-worker': 'main/preview/preview-worker.ts',
        }),
        external,
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
          comments: { legal: true, jsdoc: false, annotation: false },
        },
      },
    },
  },
  preload: {
    build: {
      outDir: path.join(outDir, 'preload'),
      target: 'node20.18',
      sourcemap: false,
      license,
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: 'app/preload.ts' },
        external: ['electron'],
        // A sandboxed preload script is loaded as CommonJS.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: path.join(root, 'renderer'),
    plugins: [react()],
    build: {
      outDir: path.join(outDir, 'renderer'),
      target: 'chrome130',
      sourcemap: false,
      minify: true,
      license,
      rolldownOptions: { input: { index: path.join(root, 'renderer/index.html') } },
    },
  },
});
