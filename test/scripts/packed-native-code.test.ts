import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { builtFor, systemOf, wrongNativeCode } from '../../scripts/pack/native-code.mjs';
import { nativeModulesIn } from '../../scripts/pack/open-package.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SQLITE = path.join(ROOT, 'node_modules/@photostructure/sqlite');
const prebuilds = readdirSync(path.join(SQLITE, 'prebuilds'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.node'))
  .map((name) => path.join(SQLITE, 'prebuilds', name));
const heads = (files: readonly string[]) => files.map((name) => ({ name, head: readFileSync(name).subarray(0, 4096) }));

/** What is used of electron-builder's own code, so that the patterns mean here what they mean there. */
interface FileMatcher {
  readonly from: string;
  createFilter(): (file: string, stat: object) => boolean;
}
interface BuilderParts {
  getConfig(folder: string, file: string, more: null): Promise<Readonly<Record<string, object>>>;
  getFileMatchers(
    config: object,
    name: string,
    to: string,
    options: {
      readonly macroExpander: (pattern: string) => string;
      readonly customBuildOptions: object;
      readonly globalOutDir: string;
      readonly defaultSrc: string;
    },
  ): readonly FileMatcher[];
  expandMacro(pattern: string, arch: string, appInfo: object): string;
}

function builderParts(): BuilderParts {
  const require = createRequire(import.meta.url);
  const fromBuilder = createRequire(require.resolve('electron-builder/package.json'));
  return {
    ...(fromBuilder('app-builder-lib/out/util/config/config') as Pick<BuilderParts, 'getConfig'>),
    ...(fromBuilder('app-builder-lib/out/fileMatcher') as Pick<BuilderParts, 'getFileMatchers'>),
    ...(fromBuilder('app-builder-lib/out/util/macroExpander') as Pick<BuilderParts, 'expandMacro'>),
  };
}

const SYSTEMS = [
  ['linux', 'x64', 'linux-x64'],
  ['linux', 'arm64', 'linux-arm64'],
  ['win', 'x64', 'win32-x64'],
  ['win', 'arm64', 'win32-arm64'],
  ['mac', 'x64', 'darwin-x64'],
  ['mac', 'arm64', 'darwin-arm64'],
] as const;

describe('electron-builder.yml', () => {
  const builder = builderParts();
  let config: Readonly<Record<string, object>>;
  beforeAll(async () => {
    config = await builder.getConfig(ROOT, 'electron-builder.yml', null);
  });

  it.each(SYSTEMS)('packs for %s on %s the native modules of %s, whatever system builds it', (key, arch, system) => {
    const matchers = builder.getFileMatchers(config, 'files', '/packed', {
      macroExpander: (pattern) => builder.expandMacro(pattern, arch, {}),
      customBuildOptions: config[key] ?? {},
      globalOutDir: path.join(ROOT, 'dist'),
      defaultSrc: ROOT,
    });
    const packed = prebuilds.filter((file) =>
      matchers.some((one) => file.startsWith(one.from + path.sep) && one.createFilter()(file, statSync(file))),
    );
    expect(wrongNativeCode(system, heads(packed))).toBe('');
  });
});

describe('the look into a package', () => {
  it('tells from its header what a module was built for', () => {
    for (const file of prebuilds) expect(builtFor(readFileSync(file))).toBe(path.basename(path.dirname(file)));
    expect(builtFor(Buffer.alloc(4096))).toBeNull();
    expect(builtFor(Buffer.from('#!/bin/sh\n'))).toBeNull();
  });

  it('names what does not belong', () => {
    const of = (folder: string) => heads(prebuilds.filter((file) => file.includes(`prebuilds${path.sep}${folder}`)));
    expect(wrongNativeCode('win32-x64', of('win32-x64'))).toBe('');
    expect(wrongNativeCode('win32-x64', of('win32-arm64'))).toContain('is for win32-arm64');
    expect(wrongNativeCode('linux-x64', of('linux-x64'))).toContain('is for musl');
    expect(wrongNativeCode('linux-x64', [])).toBe('It holds no native module at all.');
    expect(wrongNativeCode('linux-x64', [{ name: 'a.node', head: Buffer.alloc(100) }])).toContain('no known system');
  });

  it.each([
    ['linux-unpacked', 'linux-x64'],
    ['win-arm64-unpacked', 'win32-arm64'],
    ['mac-arm64', 'darwin-arm64'],
    ['mac', 'darwin-x64'],
    ['postcast-server-0.1.0-linux-amd64.deb', 'linux-x64'],
    ['postcast-server-0.1.0-linux-x86_64.AppImage', 'linux-x64'],
    ['postcast-server-0.1.0-win-x64.exe', 'win32-x64'],
    ['postcast-server-0.1.0-mac-arm64.zip', 'darwin-arm64'],
    ['builder-debug.yml', null],
    ['.icon-ico', null],
  ])('knows by its name what %s is for', (name, system) => {
    expect(systemOf(name)).toBe(system);
  });

  it.skipIf(process.platform === 'win32')('opens an archive', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'postcast-package-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(path.join(folder, 'inside/resources'), { recursive: true });
    writeFileSync(path.join(folder, 'inside/resources/a.node'), 'MZ');
    const archive = path.join(folder, 'a.tar.gz');
    const { execFileSync } = await import('node:child_process');
    execFileSync('tar', ['-czf', archive, '-C', folder, 'inside']);
    for (const file of [archive, path.join(folder, 'inside')]) {
      const { modules, unopened } = await nativeModulesIn(file);
      expect([unopened, modules.map(({ name, head }) => [path.basename(name), head.toString()])]).toEqual([
        null,
        [['a.node', 'MZ']],
      ]);
    }
    writeFileSync(archive, 'no archive');
    await expect(nativeModulesIn(archive)).rejects.toThrow('a.tar.gz cannot be opened');
    expect((await nativeModulesIn(path.join(ROOT, 'LICENSE'))).unopened).toBe('nothing here opens this kind');
  });
});
