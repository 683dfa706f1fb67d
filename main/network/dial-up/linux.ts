/** Linux: NetworkManager's connections by nmcli, pppd's peers by pon and poff. */
import { readdir } from 'node:fs/promises';
import { outputOf, type RunCommand } from '../run-command.ts';
import { DIAL_MS, dialResult, HANG_UP_MS, type Dialler } from './dialler.ts';

const PEERS = '/etc/ppp/peers';

/** Types of connections that are dialled by decision, not by plugging in (nm-settings). */
const DIALLED_TYPES = new Set(['gsm', 'cdma', 'bluetooth', 'pppoe', 'adsl', 'ppp', 'vpn', 'wireguard']);

/** Names in `nmcli -t -f TYPE,NAME connection show`; ":" and "\" in a name are escaped with "\". Pure. */
export function parseNmcliConnections(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    const type = line.slice(0, Math.max(0, colon));
    return DIALLED_TYPES.has(type) ? [line.slice(colon + 1).replace(/\\(.)/g, '$1')] : [];
  });
}

/** Files of /etc/ppp/peers that are peers: pon takes no path and no option. Pure. */
export function peersAmong(files: readonly string[]): readonly string[] {
  return files.filter(
    (file) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(file) && !/\.(dpkg-|bak|orig)/.test(file) && !file.endsWith('~'),
  );
}

export function createLinuxDialler(run: RunCommand, peersFolder: string = PEERS): Dialler {
  const fromNetworkManager = async (): Promise<readonly string[]> =>
    parseNmcliConnections(await outputOf(run, 'nmcli', ['-t', '-f', 'TYPE,NAME', 'connection', 'show']));
  const peers = async (): Promise<readonly string[]> => {
    try {
      return peersAmong(await readdir(peersFolder));
    } catch {
      return [];
    }
  };
  return {
    async configured() {
      const [managed, dialled] = await Promise.all([fromNetworkManager(), peers()]);
      return [...new Set([...managed, ...dialled])].sort();
    },
    async dial(name, signal) {
      if ((await fromNetworkManager()).includes(name)) {
        const wait = String(DIAL_MS / 1000);
        return dialResult(
          'nmcli',
          await run('nmcli', ['--wait', wait, 'connection', 'up', 'id', name], DIAL_MS + 5_000, signal),
        );
      }
      // pon returns when pppd is on its way; that the link is up is told by the monitor.
      return dialResult('pon', await run('pon', [name], DIAL_MS, signal));
    },
    async hangUp(name, signal) {
      if ((await fromNetworkManager()).includes(name)) {
        return dialResult('nmcli', await run('nmcli', ['connection', 'down', 'id', name], HANG_UP_MS, signal));
      }
      return dialResult('poff', await run('poff', [name], HANG_UP_MS, signal));
    },
  };
}
