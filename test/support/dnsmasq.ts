import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import os from 'node:os';
import path from 'node:path';

export function canRunDnsmasq(): boolean {
  return existsSync('/usr/sbin/dnsmasq');
}

/** dnsmasq on a free loopback port with these options (`mx-host=…`, `host-record=…`); it knows nothing else. */
export async function startDnsmasq(
  options: readonly string[],
): Promise<{ readonly server: string; close(): Promise<void> }> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'dnsmasq-'));
  const child = spawn(
    '/usr/sbin/dnsmasq',
    [
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      `--pid-file=${path.join(folder, 'pid')}`,
      `--port=${port}`,
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--no-resolv',
      '--no-hosts',
      '--local=/test/',
      '--local-ttl=60',
      ...options.map((o) => `--${o}`),
    ],
    { stdio: 'ignore' },
  );
  const server = `127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([server]);
  const end = Date.now() + 10_000;
  for (;;) {
    const code = await resolver.resolve4('up.test').then(
      () => '',
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    if (code === '' || code === 'ENOTFOUND' || code === 'ENODATA') return { server, close };
    if (Date.now() > end) {
      await close();
      throw new Error('dnsmasq did not come up');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
