// electron-builder takes the default app out of an Electron that it unpacked itself, but not out of a given folder.
const fs = require('node:fs');
const path = require('node:path');

exports.default = ({ appOutDir }) => {
  fs.rmSync(path.join(appOutDir, 'resources/default_app.asar'), { recursive: true, force: true });
};
