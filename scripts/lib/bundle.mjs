// Bundles TypeScript entries for plain Node.js: threads and programs that tests, benches and the soak start.
import { build } from 'vite';

/**
 * One `NAME.mjs` for each entry; what is shared lies beside them. Packages with native code stay outside, so that `into`
 * has to lie where they are found: below the work tree, unless the entries do without them.
 * @param {{ entries: Record<string, string>, into: string, external?: string[] }} options absolute paths; `external`: more
 *   packages that stay outside
 */
export async function bundleForNode({ entries, into, external = [] }) {
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: into,
      target: 'node20',
      rolldownOptions: {
        input: entries,
        external: ['@photostructure/sqlite', ...external, /^node:/],
        output: { entryFileNames: '[name].mjs', format: 'es' },
      },
    },
  });
}
