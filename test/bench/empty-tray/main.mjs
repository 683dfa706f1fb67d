// The least that a tray program with a listener can be: the yardstick for memory and for the time to start.
import { app, Menu, nativeImage, Tray } from 'electron';
import net from 'node:net';

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
app.on('window-all-closed', () => undefined);
net.createServer((socket) => socket.end('220 empty\r\n')).listen(port, '127.0.0.1');

let tray;
app.whenReady().then(() => {
  tray = new Tray(nativeImage.createFromBitmap(Buffer.alloc(16 * 16 * 4, 0x80), { width: 16, height: 16 }));
  tray.setContextMenu(Menu.buildFromTemplate([{ label: 'Quit', role: 'quit' }]));
});
