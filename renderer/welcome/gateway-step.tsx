/** Second step: what was found, all of it editable, tested, with its password or sign-in. */
import { Button, Field, makeStyles, Radio, RadioGroup, Spinner, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import type { DiscoveredGateway, TestStep } from '../../shared/ipc-contract.ts';
import { gatewaySchema, type GatewaySettings } from '../../shared/settings.ts';
import { fireAndForget } from '../bridge.ts';
import { useCopy } from '../components/copy-value.tsx';
import { useCommand, useNotices } from '../notices.tsx';
import { ConsentDialog } from '../settings/gateways/consent-dialog.tsx';
import { GatewayFields } from '../settings/gateways/gateway-fields.tsx';
import { OAuthSignIn } from '../settings/gateways/oauth-sign-in.tsx';
import { TestResult } from '../settings/gateways/test-result.tsx';
import { NOTHING_STORED } from '../settings/gateways/stored-secret.ts';
import { useStoreGateway } from '../settings/gateways/use-store-gateway.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { FoundServers } from './found-servers.tsx';
import { OutsideStep } from './outside-step.tsx';
import { StepFrame } from './step-frame.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  source: { color: tokens.colorNeutralForeground3 },
  below: { display: 'flex', flexDirection: 'column', rowGap: '12px' },
});

/** What the step works on: it outlives going back and forth. */
export interface GatewayDraft {
  readonly gateway: GatewaySettings;
  readonly found: readonly DiscoveredGateway[];
  readonly source: DiscoveredGateway['source'] | 'hand';
  /** The server that was found lies outside of the address's domain, and the user has not said yet that he knows it. */
  readonly unconfirmed: DiscoveredGateway | null;
  /** As it stands in the settings. */
  readonly saved: GatewaySettings | null;
}

interface Props {
  readonly address: string;
  readonly draft: GatewayDraft;
  readonly onDraft: (draft: GatewayDraft) => void;
  readonly onByHand: () => void;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

/** What the step begins with for a server that was found. */
export function draftOf(
  chosen: DiscoveredGateway,
  draft: Pick<GatewayDraft, 'found' | 'saved'> & { readonly id: string },
): GatewayDraft {
  const { id, found, saved } = draft;
  const unconfirmed = chosen.outside ? chosen : null;
  return { gateway: { ...chosen.gateway, id }, found, source: chosen.source, unconfirmed, saved };
}

/** The server is asked about first, where it has to be: until then there is no form to put a password in. */
export function GatewayStep(props: Props) {
  const { address, draft, onDraft, onByHand, onBack } = props;
  const { unconfirmed, found, gateway, saved } = draft;
  if (unconfirmed === null) return <GatewayForm {...props} />;
  return (
    <OutsideStep
      domain={address.slice(address.lastIndexOf('@') + 1)}
      found={found}
      chosen={unconfirmed}
      onChoose={(chosen) => onDraft(draftOf(chosen, { id: gateway.id, found, saved }))}
      onConfirm={() => onDraft({ ...draft, unconfirmed: null })}
      onByHand={onByHand}
      onBack={onBack}
    />
  );
}

function GatewayForm({ address, draft, onDraft, onBack, onDone }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const command = useCommand();
  const notices = useNotices();
  const copy = useCopy();
  const storeGateway = useStoreGateway();
  const { settings, save } = useSettingsStore();
  const states = useAnswer('gateways.states', {}).value?.states ?? [];
  const mode = settings?.gateways.mode ?? 'never';
  const asksMode = mode === 'never' || draft.saved !== null;
  const [wanted, setWanted] = useState<'always' | 'onError'>(mode === 'onError' ? 'onError' : 'always');
  const [secret, setSecret] = useState('');
  const [refused, setRefused] = useState(0);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [test, setTest] = useState<{ readonly ok: boolean; readonly steps: readonly TestStep[] } | null>(null);
  const { gateway } = draft;
  const stored = states.find((state) => state.id === gateway.id) ?? NOTHING_STORED;
  const parsed = gatewaySchema.safeParse(gateway);
  const domain = address.slice(address.lastIndexOf('@') + 1);

  const put = async (): Promise<boolean> => {
    if (!parsed.success) {
      setRefused((times) => times + 1);
      return false;
    }
    const list = settings?.gateways.list ?? [];
    const known = list.some((one) => one.id === gateway.id);
    const [problem] = await save([
      {
        path: 'gateways.list',
        value: known ? list.map((one) => (one.id === gateway.id ? parsed.data : one)) : [...list, parsed.data],
      },
      ...(asksMode ? [{ path: 'gateways.mode', value: wanted }] : []),
    ]);
    if (problem === undefined) onDraft({ ...draft, saved: gateway });
    else notices.failed(t('welcome.notSaved'), problem.message);
    return problem === undefined;
  };
  const store = async (acceptObfuscated: boolean) => {
    const outcome = await storeGateway({ gateway, secret, acceptObfuscated, save: put });
    if (outcome === 'needs-consent') setAsking(true);
    else if (outcome === 'saved') onDone();
  };
  const testAndGo = async () => {
    if (busy) return;
    if (!parsed.success) return setRefused((times) => times + 1);
    setBusy(true);
    setTest(null);
    try {
      const input = secret === '' ? { gateway: parsed.data } : { gateway: parsed.data, secret };
      const result = await command('gateways.test', input, t('gateway.testFailed'));
      setTest(result);
      if (result?.ok === true) await store(false);
    } finally {
      setBusy(false);
    }
  };
  return (
    <StepFrame
      title={t('welcome.gatewayTitle')}
      help={t('welcome.gatewayHelp')}
      onSubmit={() => fireAndForget(testAndGo())}
      left={<Button onClick={onBack}>{t('common.back')}</Button>}
      right={
        <>
          {test?.ok === false && (
            <Button disabledFocusable={busy} onClick={() => fireAndForget(store(false))}>
              {t('welcome.continueAnyway')}
            </Button>
          )}
          <Button appearance="primary" type="submit" disabledFocusable={busy}>
            {t('welcome.testAndContinue')}
          </Button>
        </>
      }
    >
      <span className={styles.source} role="status">
        {draft.source === 'hand' && draft.found.length === 0 && address !== '' && domain !== ''
          ? t('welcome.nothingFound', { address })
          : t(`welcome.source.${draft.source}`, { domain })}
      </span>
      <FoundServers
        found={draft.found}
        gateway={gateway}
        onChoose={(chosen) => onDraft(draftOf(chosen, { ...draft, id: gateway.id }))}
      />
      <GatewayFields
        gateway={gateway}
        onChange={(change) => {
          onDraft({ ...draft, gateway: { ...gateway, ...change } });
          setTest(null);
        }}
        secret={secret}
        onSecret={(next) => {
          setSecret(next);
          setTest(null);
        }}
        stored={stored}
        extent="needed"
        refused={refused}
        signIn={
          <OAuthSignIn
            gatewayId={gateway.id}
            signedIn={stored.hasSecret}
            saved={draft.saved === gateway}
            onSave={put}
          />
        }
      >
        <div className={styles.below}>
          {asksMode && (
            <Field label={t('welcome.use')} hint={t('welcome.useHelp')}>
              <RadioGroup
                layout="horizontal"
                value={wanted}
                onChange={(_, data) => setWanted(data.value === 'onError' ? 'onError' : 'always')}
              >
                <Radio value="always" label={t('welcome.useAlways')} />
                <Radio value="onError" label={t('welcome.useOnError')} />
              </RadioGroup>
            </Field>
          )}
          <div role="status">
            {busy && <Spinner size="tiny" label={t('welcome.testing')} style={{ justifyContent: 'start' }} />}
            {test !== null && (
              <div ref={(box) => box?.firstElementChild?.scrollIntoView({ block: 'nearest' })}>
                <TestResult ok={test.ok} steps={test.steps} onCopy={copy} />
              </div>
            )}
          </div>
        </div>
      </GatewayFields>
      {asking && (
        <ConsentDialog
          what="password"
          onAnswer={(agreed) => {
            setAsking(false);
            if (agreed) fireAndForget(store(true));
          }}
        />
      )}
    </StepFrame>
  );
}
