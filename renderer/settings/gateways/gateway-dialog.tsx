/** Add or edit a gateway: checked as typed, tested on demand, the password handed to the key store only. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  Spinner,
} from '@fluentui/react-components';
import { useState } from 'react';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { gatewaySchema, type GatewaySettings } from '../../../shared/settings.ts';
import { fireAndForget } from '../../bridge.ts';
import { useCommand } from '../../notices.tsx';
import { useCopy } from '../../components/copy-value.tsx';
import { useReturnFocus } from '../../components/use-return-focus.ts';
import { ConsentDialog } from './consent-dialog.tsx';
import { GatewayFields } from './gateway-fields.tsx';
import { OAuthSignIn } from './oauth-sign-in.tsx';
import { NOTHING_STORED, type StoredSecret } from './stored-secret.ts';
import { TestResult } from './test-result.tsx';
import { useStoreGateway } from './use-store-gateway.ts';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  surface: { maxWidth: '640px' },
  // Room for the focus rings of what stands at the edge.
  fields: { padding: '4px 2px' },
});

interface Props {
  readonly gateway: GatewaySettings;
  readonly fresh: boolean;
  readonly stored: StoredSecret;
  /** @returns false = not saved (and said why) */
  readonly onSave: (gateway: GatewaySettings) => Promise<boolean>;
  readonly onClose: () => void;
}

export function GatewayDialog({ gateway, fresh, stored, onSave, onClose }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const command = useCommand();
  const copy = useCopy();
  const storeGateway = useStoreGateway();
  useReturnFocus();
  const [value, setValue] = useState(gateway);
  /** As it stands in the settings. */
  const [saved, setSaved] = useState(fresh ? null : gateway);
  const [secret, setSecret] = useState('');
  const [refused, setRefused] = useState(0);
  const [asking, setAsking] = useState<GatewaySettings | null>(null);
  const [busy, setBusy] = useState<'saving' | 'testing' | null>(null);
  const [test, setTest] = useState<{ readonly ok: boolean; readonly steps: readonly TestStep[] } | null>(null);
  const parsed = gatewaySchema.safeParse(value);

  /** Runs `act` with what was typed if it can be used; else shows why it cannot. */
  const withGateway = async (act: (gateway: GatewaySettings) => Promise<unknown>): Promise<void> => {
    if (busy !== null) return;
    if (parsed.success) await act(parsed.data);
    else setRefused((times) => times + 1);
  };
  const store = async (wanted: GatewaySettings, acceptObfuscated: boolean) => {
    setBusy('saving');
    const outcome = await storeGateway({
      gateway: wanted,
      secret,
      acceptObfuscated,
      save: () => onSave(wanted),
    });
    setBusy(null);
    if (outcome === 'needs-consent') setAsking(wanted);
    else if (outcome === 'saved') onClose();
  };
  const runTest = async (wanted: GatewaySettings) => {
    setBusy('testing');
    setTest(null);
    const input = secret === '' ? { gateway: wanted } : { gateway: wanted, secret };
    setTest(await command('gateways.test', input, t('gateway.testFailed')));
    setBusy(null);
  };
  const saveForSignIn = async () => {
    let done = false;
    await withGateway(async (wanted) => {
      done = await onSave(wanted);
      if (done) setSaved(value);
    });
    return done;
  };

  return (
    <Dialog open modalType="modal" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className={styles.surface}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            fireAndForget(withGateway((wanted) => store(wanted, false)));
          }}
        >
          <DialogBody>
            <DialogTitle>{t(fresh ? 'gateway.add' : 'gateway.edit')}</DialogTitle>
            <DialogContent>
              <div className={styles.fields}>
                {asking !== null && (
                  <ConsentDialog
                    what="password"
                    onAnswer={(agreed) => {
                      setAsking(null);
                      if (agreed) fireAndForget(store(asking, true));
                    }}
                  />
                )}
                <GatewayFields
                  gateway={value}
                  onChange={(change) => {
                    setValue({ ...value, ...change });
                    setTest(null);
                  }}
                  secret={secret}
                  onSecret={(next) => {
                    setSecret(next);
                    setTest(null);
                  }}
                  stored={gateway.auth === value.auth ? stored : NOTHING_STORED}
                  extent="all"
                  refused={refused}
                  signIn={
                    <OAuthSignIn
                      gatewayId={gateway.id}
                      signedIn={stored.hasSecret}
                      saved={saved === value}
                      onSave={saveForSignIn}
                    />
                  }
                >
                  <div role="status">
                    {busy === 'testing' && (
                      <Spinner size="tiny" label={t('gateway.testing')} style={{ justifyContent: 'start' }} />
                    )}
                    {test !== null && (
                      <div ref={(box) => box?.firstElementChild?.scrollIntoView({ block: 'nearest' })}>
                        <TestResult ok={test.ok} steps={test.steps} onCopy={copy} />
                      </div>
                    )}
                  </div>
                </GatewayFields>
              </div>
            </DialogContent>
            <DialogActions position="start">
              <Button disabledFocusable={busy !== null} onClick={() => fireAndForget(withGateway(runTest))}>
                {t('gateway.test')}
              </Button>
            </DialogActions>
            <DialogActions position="end">
              <Button onClick={onClose}>{t(fresh && saved !== null ? 'common.close' : 'common.cancel')}</Button>
              <Button
                appearance="primary"
                type="submit"
                disabledFocusable={busy !== null || (refused > 0 && !parsed.success)}
              >
                {t(saved === null ? 'common.add' : 'common.save')}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
