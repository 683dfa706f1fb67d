/** Windows: what the PowerShell child said last is the reading. Not yet run on Windows itself: docs/platforms.md. */
import { networkInterfaces } from 'node:os';
import { logRejection } from '../../runtime/log-rejection.ts';
import { hearingOf, NO_FACTS, type NetworkAdapter, type NetworkFacts, type SystemAdapterParts } from '../facts.ts';
import { keepHelperProcess, type HelperProcess } from '../helper-process.ts';
import { encodedScript, parseSnapshot, SNAPSHOT_SCRIPT } from './snapshot.ts';

/**
 * Where PowerShell is forbidden, or ends at once, Node's own list of addresses is read every few seconds: online or not, but
 * no gateway.
 * @param command PowerShell; a test can name another program, or one that does not exist
 */
export function createWindowsAdapter({ clock, log }: SystemAdapterParts, command = 'powershell.exe'): NetworkAdapter {
  let last: { readonly facts: NetworkFacts; readonly addresses: string } | null = null;
  let child: HelperProcess | null = null;
  return {
    read() {
      const heard = child?.hears() === true;
      // What was told last is true for as long as the addresses are those of that time.
      const told = last !== null && (heard || last.addresses === addressesNow()) ? last.facts : factsOfNode();
      return Promise.resolve({ ...told, hearing: hearingOf('PowerShell', heard) });
    },
    watch(changed) {
      const kept = keepHelperProcess({
        clock,
        log,
        command,
        args: ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', encodedScript(SNAPSHOT_SCRIPT)],
        onLine(line) {
          const facts = parseSnapshot(line);
          if (facts === null) return;
          last = { facts, addresses: addressesNow() };
          changed();
        },
        // It says what it sees as soon as it is up. One that says nothing, or something else, is of no use.
        isProofOfLife: (line) => parseSnapshot(line) !== null,
        onHearing: changed,
        onLook: changed,
      });
      child = kept;
      return () => logRejection(kept.stop(), log, 'end of the network script');
    },
    // The script asks again at the next event; Windows keeps its gateways' hardware addresses.
    provoke: () => undefined,
    close: async () => child?.stop(),
  };
}

function addressesNow(): string {
  return JSON.stringify(networkInterfaces());
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
