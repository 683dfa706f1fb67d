import { useState } from 'react';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { gatewaySchema, type GatewaySettings } from '../../../shared/settings.ts';
import { fireAndForget } from '../../bridge.ts';
import { useLocale } from '../../i18n/locale.tsx';
import { useCommand } from '../../notices.tsx';

export interface GatewayEditor {
  /** The password as typed; '' = none, or leave the one that is stored. */
  readonly secret: string;
  readonly setSecret: (secret: string) => void;
  /** How often something invalid was to be used. */
  readonly refused: number;
  readonly isValid: boolean;
  readonly busy: 'saving' | 'testing' | null;
  readonly test: { readonly ok: boolean; readonly steps: readonly TestStep[] } | null;
  /** What was typed is not what was tested any more. */
  readonly forgetTest: () => void;
  /** @returns whether the gateway can be used as typed */
  readonly runTest: () => Promise<boolean>;
  /** Saves gateway and password. */
  readonly store: () => Promise<void>;
  /** Saves the gateway without its password. @returns whether it was saved */
  readonly saveGateway: () => Promise<boolean>;
  /** The password cannot be protected on this system: whether to keep it anyway is being asked. */
  readonly asksConsent: boolean;
  readonly answerConsent: (agreed: boolean) => void;
}

/**
 * What the gateway dialog and the first run do with a gateway as it is typed.
 * @param save saves it. @returns false = not saved (and said why)
 * @param onStored gateway and password are saved
 */
export function useGatewayEditor(
  typed: GatewaySettings,
  save: (gateway: GatewaySettings) => Promise<boolean>,
  onStored: () => void,
): GatewayEditor {
  const { t } = useLocale();
  const command = useCommand();
  const [secret, setSecret] = useState('');
  const [refused, setRefused] = useState(0);
  const [busy, setBusy] = useState<GatewayEditor['busy']>(null);
  const [test, setTest] = useState<GatewayEditor['test']>(null);
  const [consentFor, setConsentFor] = useState<GatewaySettings | null>(null);
  const parsed = gatewaySchema.safeParse(typed);

  /** Hands what was typed to `act` if it can be used; else shows why it cannot. */
  const withGateway = async (act: (gateway: GatewaySettings) => Promise<boolean>): Promise<boolean> => {
    if (busy !== null) return false;
    if (parsed.success) return act(parsed.data);
    setRefused((times) => times + 1);
    return false;
  };
  const during = async <T>(what: 'saving' | 'testing', work: () => Promise<T>): Promise<T> => {
    setBusy(what);
    try {
      return await work();
    } finally {
      setBusy(null);
    }
  };
  /**
   * The password first, with the gateway that it is for: a gateway is never left pointing to one that was not kept, the user
   * is asked before that, and a new password is not tried at the server that is saved still.
   */
  const storeBoth = async (gateway: GatewaySettings, acceptObfuscated: boolean): Promise<boolean> => {
    if (secret !== '' && gateway.auth === 'password') {
      const input = { gatewayId: gateway.id, secret, acceptObfuscated, gateway };
      const kept = await command('secrets.set', input, t('gateway.secretFailed'));
      if (kept?.needsConsent === true) setConsentFor(gateway);
      if (kept === null || kept.needsConsent) return false;
    }
    if (!(await save(gateway))) return false;
    onStored();
    return true;
  };
  return {
    secret,
    setSecret: (next) => {
      setSecret(next);
      setTest(null);
    },
    refused,
    isValid: parsed.success,
    busy,
    test,
    forgetTest: () => setTest(null),
    runTest: () =>
      withGateway((gateway) =>
        during('testing', async () => {
          setTest(null);
          const input = secret === '' ? { gateway } : { gateway, secret };
          const result = await command('gateways.test', input, t('gateway.testFailed'));
          setTest(result);
          return result?.ok === true;
        }),
      ),
    store: async () => {
      await withGateway((gateway) => during('saving', () => storeBoth(gateway, false)));
    },
    saveGateway: () => withGateway(save),
    asksConsent: consentFor !== null,
    answerConsent: (agreed) => {
      setConsentFor(null);
      if (agreed && consentFor !== null) fireAndForget(during('saving', () => storeBoth(consentFor, true)));
    },
  };
}
