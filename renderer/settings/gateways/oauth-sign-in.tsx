/** Signing in to a gateway in the browser (OAuth 2): the button, the client's secret for providers that want one, what came of it. */
import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody } from '@fluentui/react-components';
import { useState } from 'react';
import type { Phrase } from '../../../shared/mail.ts';
import { fireAndForget } from '../../bridge.ts';
import { useCommand } from '../../notices.tsx';
import { ConsentDialog } from './consent-dialog.tsx';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  whole: { gridColumn: '1 / -1', display: 'grid', gap: '8px' },
  row: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)',
    columnGap: '12px',
    alignItems: 'start',
    '& .fui-Input': { width: '100%', minWidth: 0 },
  },
  // In line with the input beside them: below the height of its label.
  buttons: { display: 'flex', gap: '8px', marginTop: '26px' },
});

interface Props {
  readonly gatewayId: string;
  readonly signedIn: boolean;
  /** The gateway is in the settings as it is shown: what is signed in to is the saved one. */
  readonly saved: boolean;
  /** Saves it. @returns false = not saved (and said why) */
  readonly onSave: () => Promise<boolean>;
}

export function OAuthSignIn({ gatewayId, signedIn, saved, onSave }: Props) {
  const styles = useStyles();
  const { t, phraseText } = useLocale();
  const command = useCommand();
  const [clientSecret, setClientSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [outcome, setOutcome] = useState<{ readonly good: boolean; readonly phrase: Phrase } | null>(null);
  const [here, setHere] = useState(signedIn);

  const signIn = async (acceptObfuscated: boolean) => {
    setBusy(true);
    setOutcome(null);
    try {
      if (!saved && !(await onSave())) return;
      const input = { gatewayId, acceptObfuscated, ...(clientSecret === '' ? {} : { clientSecret }) };
      const result = await command('gateways.signIn', input, t('oauth.failed'));
      if (result === null) return;
      if (result.needsConsent) return setAsking(true);
      setOutcome({ good: result.signedIn, phrase: result.phrase });
      if (result.signedIn) {
        setHere(true);
        setClientSecret('');
      }
    } finally {
      setBusy(false);
    }
  };
  const signOut = async () => {
    const result = await command('gateways.signOut', { gatewayId }, t('oauth.failed'));
    if (result === null) return;
    setHere(false);
    setOutcome({ good: true, phrase: result.phrase });
  };

  return (
    <div className={styles.whole}>
      {asking && (
        <ConsentDialog
          what="signIn"
          onAnswer={(agreed) => {
            setAsking(false);
            if (agreed) fireAndForget(signIn(true));
          }}
        />
      )}
      <div className={styles.row}>
        <Field label={t('oauth.clientSecret')} hint={t('oauth.clientSecretHelp')}>
          <Input
            type="password"
            autoComplete="new-password"
            value={clientSecret}
            onChange={(_, data) => setClientSecret(data.value)}
          />
        </Field>
        <div className={styles.buttons}>
          <Button disabledFocusable={busy} onClick={() => fireAndForget(signIn(false))}>
            {t(busy ? 'oauth.waiting' : saved ? 'oauth.signIn' : 'oauth.saveAndSignIn')}
          </Button>
          {here && (
            <Button disabledFocusable={busy} onClick={() => fireAndForget(signOut())}>
              {t('oauth.signOut')}
            </Button>
          )}
        </div>
      </div>
      <div role="status">
        {outcome !== null && (
          <MessageBar intent={outcome.good ? 'success' : 'warning'}>
            <MessageBarBody>{phraseText(outcome.phrase)}</MessageBarBody>
          </MessageBar>
        )}
      </div>
    </div>
  );
}
