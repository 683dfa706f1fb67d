// Draws every icon of assets/ from the shapes beside it: `electron assets/drawing` (needs a display). The pictures are
// committed, so nothing has to be drawn to build or install the program.
const { app, BrowserWindow } = require('electron');
const fs = require('node:fs');
const path = require('node:path');
const { STATES, traySvg, templateSvg, APP_SVG } = require('./shapes.cjs');

const ASSETS = path.join(__dirname, '..');

/** An ICO file of PNG pictures: header, one directory entry each, the pictures. */
function ico(pictures) {
  const header = Buffer.alloc(6 + 16 * pictures.length);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(pictures.length, 4);
  let offset = header.length;
  pictures.forEach(({ size, png }, i) => {
    const at = 6 + 16 * i;
    header.writeUInt8(size % 256, at);
    header.writeUInt8(size % 256, at + 1);
    header.writeUInt16LE(1, at + 4);
    header.writeUInt16LE(32, at + 6);
    header.writeUInt32LE(png.length, at + 8);
    header.writeUInt32LE(offset, at + 12);
    offset += png.length;
  });
  return Buffer.concat([header, ...pictures.map(({ png }) => png)]);
}

/** The entries of an ICNS file by the size of their picture, px: what is shown at that size, and at half of it at `@2x`. */
const ICNS_TYPES = {
  16: ['icp4'],
  32: ['icp5', 'ic11'],
  64: ['ic12'],
  128: ['ic07'],
  256: ['ic08', 'ic13'],
  512: ['ic09', 'ic14'],
  1024: ['ic10'],
};

/** An ICNS file: type and length before each PNG. */
function icns(pictures) {
  const parts = pictures.flatMap(({ size, png }) =>
    ICNS_TYPES[size].map((type) => {
      const head = Buffer.alloc(8);
      head.write(type, 0, 'latin1');
      head.writeUInt32BE(png.length + 8, 4);
      return Buffer.concat([head, png]);
    }),
  );
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.write('icns', 0, 'latin1');
  head.writeUInt32BE(body.length + 8, 4);
  return Buffer.concat([head, body]);
}

async function draw() {
  await app.whenReady();
  const window = new BrowserWindow({ show: false });
  await window.loadURL('about:blank');
  const png = async (svg, size) => {
    const url = await window.webContents.executeJavaScript(`(async () => {
      const image = new Image();
      image.src = 'data:image/svg+xml;base64,' + ${JSON.stringify(Buffer.from(svg).toString('base64'))};
      image.width = image.height = ${size};
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = ${size};
      canvas.getContext('2d').drawImage(image, 0, 0, ${size}, ${size});
      return canvas.toDataURL('image/png');
    })()`);
    return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  };
  const write = (name, bytes) => fs.writeFileSync(path.join(ASSETS, name), bytes);
  const set = async (svg, sizes) => {
    const pictures = [];
    for (const size of sizes) pictures.push({ size, png: await png(svg, size) });
    return pictures;
  };
  fs.mkdirSync(path.join(ASSETS, 'tray'), { recursive: true });
  for (const name of Object.keys(STATES)) {
    const svg = traySvg(name);
    write(`tray/${name}.png`, await png(svg, 24));
    write(`tray/${name}@2x.png`, await png(svg, 48));
    write(`tray/${name}.ico`, ico(await set(svg, [16, 20, 24, 32, 48])));
    write(`tray/${name}Template.png`, await png(templateSvg(name), 18));
    write(`tray/${name}Template@2x.png`, await png(templateSvg(name), 36));
  }
  write('icon.png', await png(APP_SVG, 512));
  write('icon.ico', ico(await set(APP_SVG, [16, 24, 32, 48, 64, 128, 256])));
  write('icon.icns', icns(await set(APP_SVG, Object.keys(ICNS_TYPES).map(Number))));
  // Linux: one file for each folder of the icon theme.
  fs.mkdirSync(path.join(ASSETS, 'icons'), { recursive: true });
  for (const { size, png: picture } of await set(APP_SVG, [16, 24, 32, 48, 64, 128, 256, 512])) {
    write(`icons/${size}x${size}.png`, picture);
  }
  app.quit();
}

draw().catch((error) => {
  console.error(error);
  app.exit(1);
});
