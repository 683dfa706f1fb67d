import type { NetworkState } from '../../shared/status.ts';
import type { SoakNetwork } from './house.ts';

/** A network of the soak as the monitor tells of it. */
export function networkState({ name, portal, dialUp }: SoakNetwork, since: number): NetworkState {
  return {
    online: name !== null,
    id: name,
    name,
    kind: name === null ? null : 'wifi',
    links: [
      ...(name === null ? [] : [{ device: 'wlan0', kind: 'wifi' as const, name, addresses: ['192.0.2.7'] }]),
      ...(dialUp ? [{ device: 'ppp0', kind: 'ppp' as const, name: 'ppp0', addresses: ['192.0.2.8'] }] : []),
    ],
    portal,
    metered: null,
    since,
  };
}
