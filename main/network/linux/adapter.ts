/** Linux: the kernel's facts, with NetworkManager's words laid over them where it runs. */
import type { NetworkAdapter, SystemAdapterParts } from '../facts.ts';
import { createKernelAdapter } from './kernel.ts';
import { watchNetworkManager, type NetworkManagerWatch } from './network-manager.ts';
import { withService } from './network-manager-facts.ts';

export function createLinuxAdapter({ clock, log }: SystemAdapterParts): NetworkAdapter {
  const kernel = createKernelAdapter({ clock, log });
  let service: NetworkManagerWatch | null = null;
  return {
    read: async () => withService(await kernel.read(), service?.current() ?? null),
    watch(changed) {
      service = watchNetworkManager({ clock, log, changed });
      const stop = kernel.watch(changed);
      return () => {
        stop();
        service?.close();
        service = null;
      };
    },
    provoke: kernel.provoke,
    close: kernel.close,
  };
}
