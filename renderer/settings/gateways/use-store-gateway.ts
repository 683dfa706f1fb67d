/** Saves a gateway and its password so that neither is left behind without the other. */
import { useCallback } from 'react';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { useCommand } from '../../notices.tsx';
import { useLocale } from '../../i18n/locale.tsx';

interface Job {
  readonly gateway: GatewaySettings;
  /** '' = leave what is stored. */
  readonly secret: string;
  readonly acceptObfuscated: boolean;
  /** @returns false = not saved (and said why) */
  readonly save: () => Promise<boolean>;
}

/**
 * The password first, with the gateway that it is for: a gateway is never left pointing to one that was not kept, the user is
 * asked before that, and a new password is not tried at the server that is saved still.
 */
export function useStoreGateway(): (job: Job) => Promise<'saved' | 'needs-consent' | 'failed'> {
  const { t } = useLocale();
  const command = useCommand();
  return useCallback(
    async ({ gateway, secret, acceptObfuscated, save }) => {
      if (secret !== '' && gateway.auth === 'password') {
        const kept = await command(
          'secrets.set',
          { gatewayId: gateway.id, secret, acceptObfuscated, gateway },
          t('gateway.secretFailed'),
        );
        if (kept === null) return 'failed';
        if (kept.needsConsent) return 'needs-consent';
      }
      return (await save()) ? 'saved' : 'failed';
    },
    [command, t],
  );
}
