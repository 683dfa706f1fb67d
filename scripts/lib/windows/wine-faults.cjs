// The proofs of left-out.mjs: faults of Wine that show with Node.js alone, without anything of this program. Prints one JSON
// object, true for each fault that this Wine has. A test is forgiven only for a fault that is shown here.
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

/**
 * libuv removes with FILE_DISPOSITION_POSIX_SEMANTICS, which on Windows 10 and newer takes the name away at once. Wine 8 does
 * not know it: the name stays until the file is closed.
 */
function nameOfRemovedFile() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wine-'));
  const file = fs.openSync(path.join(folder, 'open'), 'a');
  fs.unlinkSync(path.join(folder, 'open'));
  const names = fs.readdirSync(folder);
  fs.closeSync(file);
  fs.rmSync(folder, { recursive: true });
  return names.length > 0;
}

/**
 * libuv makes a pipe's first instance with FILE_FLAG_FIRST_PIPE_INSTANCE, which Windows refuses for a name that is taken
 * (CreateNamedPipe, ERROR_ACCESS_DENIED). Wine 8 does not know the flag: a second program listens on the name as well.
 */
function twoListeners() {
  const name = `\\\\.\\pipe\\wine-${process.pid}`;
  const first = net.createServer();
  const second = net.createServer();
  return new Promise((resolve) => {
    const end = (both) => {
      first.close();
      if (second.listening) second.close();
      resolve(both);
    };
    second.once('error', () => end(false));
    second.once('listening', () => end(true));
    first.listen(name, () => second.listen(name));
  });
}

twoListeners().then((two) => {
  console.log(JSON.stringify({ 'two-listeners': two, 'name-of-a-removed-file': nameOfRemovedFile() }));
});
