import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'vite';

const root = import.meta.dirname;
const outDir = path.join(root, 'out');

// Everything else goes into the bundle: one file loads faster than hundreds, and start to listening is measured.
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

/**
 * The program's entry, an ES module for one reason: Electron lets the event loop run while one awaits at its top, and
 * clients are greeted before it starts itself (docs/decisions.md, *Start*).
 */
const ENTRY = "import './main.js';\n";

/**
 * CommonJS loads in one go. ES modules are read piece by piece with a turn of the event loop for each, and while Chromium
 * starts on the same thread those turns are long in coming: half a second until the listener stood.
 */
function commonJs(): Plugin {
  return {
    name: 'common-js',
    writeBundle(options) {
      writeFileSync(path.join(options.dir ?? outDir, 'package.json'), '{ "type": "commonjs" }\n');
      writeFileSync(path.join(options.dir ?? outDir, 'entry.mjs'), ENTRY);
    },
  };
}

/** One octet for each character: V8 reads it sooner and holds half of it, where a single arrow would make two of each. */
function ascii(): Plugin {
  return {
    name: 'ascii',
    renderChunk: (code) => ({
      code: code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
      map: null,
    }),
  };
}

/** What the licences of the libraries inside ask for; `npm run pack` puts the three lists together. */
const license = { fileName: 'licenses.md' };

function present(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))));
}

export default defineConfig({
  main: {
    plugins: [...(process.env['FORMAT'] === 'cjs' ? [commonJs(), ascii()] : []), executable('cli.js')],
    build: {
      outDir: path.join(outDir, 'main'),
      target: 'node20.18',
      sourcemap: false,
      // Less to read and to hold in memory; names stay, for stack traces in the log.
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
          format: process.env['FORMAT'] === 'cjs' ? 'cjs' : 'es',
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
