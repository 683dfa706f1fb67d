/** Windows: what the PowerShell child said last is the reading. Not yet run on Windows itself: docs/platforms.md. */
import { networkInterfaces } from 'node:os';
import { logRejection } from '../../runtime/log-rejection.ts';
import { NO_FACTS, type NetworkAdapter, type NetworkFacts, type SystemAdapterParts } from '../facts.ts';
import { keepHelperProcess } from '../helper-process.ts';
import { encodedScript, parseSnapshot, SNAPSHOT_SCRIPT } from './snapshot.ts';

/** Where PowerShell is forbidden, Node's own list of addresses is read this often: online or not, but no gateway. */
const POLL_MS = 5_000;

export function createWindowsAdapter({ clock, log }: SystemAdapterParts): NetworkAdapter {
  let last: NetworkFacts | null = null;
  let stop: () => Promise<void> = () => Promise.resolve();
  return {
    read: () => Promise.resolve(last ?? factsOfNode()),
    watch(changed) {
      let stopPolling: () => void = () => undefined;
      const poll = (): void => {
        last = null;
        changed();
        stopPolling = clock.after(POLL_MS, poll);
      };
      stop = keepHelperProcess({
        clock,
        log,
        command: 'powershell.exe',
        args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', encodedScript(SNAPSHOT_SCRIPT)],
        onLine(line) {
          const facts = parseSnapshot(line);
          if (facts === null) return;
          last = facts;
          changed();
        },
        onMissing: poll,
      });
      return () => {
        stopPolling();
        logRejection(stop(), log, 'end of the network script');
      };
    },
    // The script asks again at the next event; Windows keeps its gateways' hardware addresses.
    provoke: () => undefined,
    close: () => stop(),
  };
}

/** Until the child has spoken, and where it cannot: addresses without routes. */
function factsOfNode(): NetworkFacts {
  const links = Object.entries(networkInterfaces()).flatMap(([device, list]) => {
    const addresses = (list ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address, cidr }) => ({ address, prefix: Number(cidr?.split('/')[1] ?? 32) }));
    const kind = /wi-?fi|wlan|wireless/i.test(device) ? ('wifi' as const) : ('ethernet' as const);
    return addresses.length === 0 ? [] : [{ device, kind, toldKind: null, name: null, addresses }];
  });
  return { ...NO_FACTS, links };
}
