import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import os from 'node:os';
import path from 'node:path';
import { onFreePort } from './ports.ts';
import { startServer } from './server-process.ts';

export function canRunDnsmasq(): boolean {
  // Under Wine the file is there, and can still not be started.
  return process.platform !== 'win32' && existsSync('/usr/sbin/dnsmasq');
}

/**
 * dnsmasq on a free loopback port with these options (`mx-host=…`, `host-record=…`); it knows nothing else.
 * @param at where another one stood, to take its place
 */
export function startDnsmasq(
  options: readonly string[],
  at?: string,
): Promise<{ readonly server: string; close(): Promise<void> }> {
  const start = async (port: number) => {
    const server = `127.0.0.1:${port}`;
    const folder = mkdtempSync(path.join(os.tmpdir(), 'dnsmasq-'));
    const remove = (): void => {
      rmSync(folder, { recursive: true, force: true });
    };
    const resolver = new Resolver({ timeout: 1_000, tries: 1 });
    resolver.setServers([server]);
    const answers = (): Promise<boolean> =>
      resolver.resolve4('up.test').then(
        () => true,
        (error: unknown) => ['ENOTFOUND', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? ''),
      );
    try {
      const dnsmasq = await startServer(
        '/usr/sbin/dnsmasq',
        [
          '--keep-in-foreground',
          '--log-facility=-',
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
        answers,
      );
      return {
        server,
        close: async () => {
          await dnsmasq.close();
          remove();
        },
      };
    } catch (error) {
      remove();
      throw error;
    }
  };
  return at === undefined ? onFreePort(start) : start(Number(at.split(':')[1]));
}
