// Loaded into every Node.js of the test run under Wine, where setting SO_KEEPALIVE fails and takes global fetch along.
const net = require('node:net');

net.Socket.prototype.setKeepAlive = function setKeepAlive() {
  return this;
};
