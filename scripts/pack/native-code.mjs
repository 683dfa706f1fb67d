// Native code in a package: for which system a file was built, by its own header, and whether that is the package's system.
import path from 'node:path';

/** e_machine of ELF, Machine of PE, cputype of Mach-O, as Node.js names the processors. */
const ELF_MACHINES = { 3: 'ia32', 40: 'arm', 62: 'x64', 183: 'arm64' };
const PE_MACHINES = { 0x14c: 'ia32', 0x8664: 'x64', 0xaa64: 'arm64' };
const MACHO_MACHINES = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

/**
 * The system that native code was built for, as `platform-arch` of Node.js; null if these are no octets of native code.
 * @param {Buffer} head the first 1,024 octets or more
 */
export function builtFor(head) {
  if (head.length < 64) return null;
  if (head.toString('latin1', 0, 4) === '\u007fELF') return `linux-${ELF_MACHINES[head.readUInt16LE(18)] ?? 'unknown'}`;
  if (head.toString('latin1', 0, 2) === 'MZ') {
    const header = head.readUInt32LE(60);
    if (header + 6 > head.length || head.toString('latin1', header, header + 4) !== 'PE\0\0') return null;
    return `win32-${PE_MACHINES[head.readUInt16LE(header + 4)] ?? 'unknown'}`;
  }
  if (head.readUInt32LE(0) === 0xfeedfacf) return `darwin-${MACHO_MACHINES[head.readUInt32LE(4)] ?? 'unknown'}`;
  return null;
}

/**
 * What is wrong with the native modules of a package; '' if nothing is.
 * @param {string} system the package's, as `platform-arch`
 * @param {{ name: string, head: Buffer }[]} modules every `.node` file in it, with its first octets
 */
export function wrongNativeCode(system, modules) {
  if (modules.length === 0) return 'It holds no native module at all.';
  const wrong = modules.flatMap(({ name, head }) => {
    const found = builtFor(head);
    if (path.posix.basename(name).includes('.musl.')) return [`${name} is for musl`];
    return found === system ? [] : [`${name} is for ${found ?? 'no known system'}`];
  });
  return wrong.length === 0 ? '' : `It is for ${system}, but ${wrong.join(', ')}.`;
}

/**
 * The system that a package is for, by the name that `artifactName` or electron-builder's folder gives it; null if it is no
 * package.
 * @param {string} name of the file or folder
 */
export function systemOf(name) {
  const folder = /^(linux|win|mac)(?:-(arm64|ia32|armv7l|universal))?(?:-unpacked)?$/.exec(name);
  if (folder !== null) return `${PLATFORMS[folder[1]]}-${folder[2] ?? 'x64'}`;
  const file = /-(linux|win|mac)-(x64|x86_64|amd64|arm64|aarch64)\.(deb|rpm|AppImage|tar\.gz|zip|exe|dmg)$/.exec(name);
  if (file === null) return null;
  const arch = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64' }[file[2]] ?? file[2];
  return `${PLATFORMS[file[1]]}-${arch}`;
}

const PLATFORMS = { linux: 'linux', win: 'win32', mac: 'darwin' };
