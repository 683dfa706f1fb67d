/** Second step: what was found, all of it editable, tested, with its password. */
import {
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Radio,
  RadioGroup,
  Select,
  Spinner,
  tokens,
} from '@fluentui/react-components';
import { useState } from 'react';
import type { DiscoveredGateway, TestStep } from '../../shared/ipc-contract.ts';
import { AUTH_KINDS, SECURITIES, type GatewaySettings } from '../../shared/settings.ts';
import { drop, useBridge } from '../bridge.ts';
import { fault } from '../components/fault.ts';
import { useCopy } from '../components/copy-value.tsx';
import { useSay } from '../i18n/i18n.ts';
import { useAttempt, useNotices } from '../notices.tsx';
import { ConsentDialog } from '../settings/gateways/consent-dialog.tsx';
import { gatewayErrors } from '../settings/gateways/resolve-gateway.ts';
import { TestResult } from '../settings/gateways/test-result.tsx';
import { useStoreGateway } from '../settings/gateways/use-store-gateway.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { StepFrame } from './step-frame.tsx';

const useStyles = makeStyles({
  form: {
    display: 'grid',
    gridTemplateColumns: 'repeat(6, minmax(0, 1fr))',
    gap: '12px',
    alignItems: 'start',
    '& .fui-Input, & .fui-Select': { width: '100%', minWidth: 0 },
    '& .fui-Input__input': { minWidth: 0 },
  },
  whole: { gridColumn: '1 / -1' },
  four: { gridColumn: 'span 4' },
  three: { gridColumn: 'span 3' },
  two: { gridColumn: 'span 2' },
  source: { color: tokens.colorNeutralForeground3 },
});

/** What the step works on: it outlives going back and forth. */
export interface GatewayDraft {
  readonly gateway: GatewaySettings;
  readonly found: readonly DiscoveredGateway[];
  readonly source: DiscoveredGateway['source'] | 'hand';
}

interface Props {
  readonly address: string;
  readonly draft: GatewayDraft;
  /** In the settings already: the user came back to this step. */
  readonly saved: boolean;
  readonly onDraft: (draft: GatewayDraft) => void;
  readonly onBack: () => void;
  readonly onSaved: (gateway: GatewaySettings) => void;
}

export function GatewayStep({ address, draft, saved, onDraft, onBack, onSaved }: Props) {
  const styles = useStyles();
  const say = useSay();
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  const copy = useCopy();
  const storeGateway = useStoreGateway();
  const { settings, save } = useSettingsStore();
  const mode = settings?.gateways.mode ?? 'never';
  const asksMode = mode === 'never' || saved;
  const [wanted, setWanted] = useState<'always' | 'onError'>(mode === 'onError' ? 'onError' : 'always');
  const [secret, setSecret] = useState('');
  const [touched, setTouched] = useState(false);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [test, setTest] = useState<{ readonly ok: boolean; readonly steps: readonly TestStep[] } | null>(null);
  const { gateway } = draft;
  const errors = gatewayErrors(gateway, say);
  const error = (name: keyof GatewaySettings) => fault(touched ? errors[name] : undefined);
  const set = (change: Partial<GatewaySettings>) => {
    onDraft({ ...draft, gateway: { ...gateway, ...change } });
    setTest(null);
  };
  const domain = address.slice(address.lastIndexOf('@') + 1);

  const store = async (acceptObfuscated: boolean) => {
    const list = settings?.gateways.list ?? [];
    const next = [...list.filter((one) => one.id !== gateway.id), gateway];
    const outcome = await storeGateway({
      gateway,
      fresh: !list.some((one) => one.id === gateway.id),
      secret,
      acceptObfuscated,
      save: async () => {
        const [problem] = await save([
          { path: 'gateways.list', value: next },
          ...(asksMode ? [{ path: 'gateways.mode', value: wanted }] : []),
        ]);
        if (problem !== undefined) notices.failed(say('welcome.notSaved'), problem.message);
        return problem === undefined;
      },
    });
    if (outcome === 'needs-consent') setAsking(true);
    else if (outcome === 'saved') onSaved(gateway);
  };
  const testAndGo = async () => {
    setTouched(true);
    if (Object.keys(errors).length > 0 || busy) return;
    setBusy(true);
    setTest(null);
    try {
      // What waits for a sign-in in the browser cannot be tested yet.
      if (gateway.auth === 'oauth2') {
        await store(false);
        return;
      }
      const result = await attempt(
        say('gateway.testFailed'),
        bridge.call('gateways.test', secret === '' ? { gateway } : { gateway, secret }),
      );
      setTest(result);
      if (result?.ok === true) await store(false);
    } finally {
      setBusy(false);
    }
  };
  if (asking) {
    return (
      <ConsentDialog
        onAnswer={(agreed) => {
          setAsking(false);
          if (agreed) drop(store(true));
        }}
      />
    );
  }
  const several = draft.found.length > 1;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        drop(testAndGo());
      }}
    >
      <StepFrame
        title={say('welcome.gatewayTitle')}
        help={say('welcome.gatewayHelp')}
        left={<Button onClick={onBack}>{say('common.back')}</Button>}
        right={
          <>
            {test?.ok === false && (
              <Button disabled={busy} onClick={() => drop(store(false))}>
                {say('welcome.continueAnyway')}
              </Button>
            )}
            <Button appearance="primary" type="submit" disabled={busy}>
              {say(gateway.auth === 'oauth2' ? 'common.continue' : 'welcome.testAndContinue')}
            </Button>
          </>
        }
      >
        <span className={styles.source} role="status">
          {draft.source === 'hand' && draft.found.length === 0 && address !== '' && domain !== ''
            ? say('welcome.nothingFound', { address })
            : say(`welcome.source.${draft.source}`, { domain })}
        </span>
        {several && (
          <Field label={say('welcome.choose')}>
            <RadioGroup
              value={`${gateway.host}:${gateway.port}`}
              onChange={(_, data) => {
                const chosen = draft.found.find((one) => `${one.gateway.host}:${one.gateway.port}` === data.value);
                if (chosen !== undefined)
                  onDraft({ ...draft, source: chosen.source, gateway: { ...chosen.gateway, id: gateway.id } });
              }}
            >
              {draft.found.map((one) => (
                <Radio
                  key={`${one.gateway.host}:${one.gateway.port}`}
                  value={`${one.gateway.host}:${one.gateway.port}`}
                  label={`${one.gateway.host}:${one.gateway.port}`}
                />
              ))}
            </RadioGroup>
          </Field>
        )}
        <div className={styles.form}>
          <Field className={styles.whole} label={say('gateway.name')} required {...error('name')}>
            <Input
              value={gateway.name}
              placeholder={say('gateway.namePlaceholder')}
              onChange={(_, data) => set({ name: data.value })}
            />
          </Field>
          <Field className={styles.four} label={say('gateway.host')} required {...error('host')}>
            <Input
              value={gateway.host}
              spellCheck={false}
              placeholder="smtp.example.com"
              onChange={(_, data) => set({ host: data.value })}
            />
          </Field>
          <Field className={styles.two} label={say('gateway.port')} {...error('port')}>
            <Input
              inputMode="numeric"
              value={Number.isNaN(gateway.port) ? '' : String(gateway.port)}
              onChange={(_, data) => set({ port: data.value.trim() === '' ? Number.NaN : Number(data.value) })}
            />
          </Field>
          <Field
            className={styles.three}
            label={say('gateway.security')}
            hint={say(`security2.${gateway.security}Help`)}
          >
            <Select
              value={gateway.security}
              onChange={(_, data) => set({ security: data.value as GatewaySettings['security'] })}
            >
              {SECURITIES.map((value) => (
                <option key={value} value={value}>
                  {say(`security2.${value}`)}
                </option>
              ))}
            </Select>
          </Field>
          <Field className={styles.three} label={say('gateway.auth')}>
            <Select value={gateway.auth} onChange={(_, data) => set({ auth: data.value as GatewaySettings['auth'] })}>
              {AUTH_KINDS.map((value) => (
                <option key={value} value={value}>
                  {say(`auth.${value}`)}
                </option>
              ))}
            </Select>
          </Field>
          {gateway.auth !== 'none' && (
            <Field className={styles.three} label={say('gateway.username')} required {...error('username')}>
              <Input
                value={gateway.username}
                spellCheck={false}
                autoComplete="off"
                onChange={(_, data) => set({ username: data.value })}
              />
            </Field>
          )}
          {gateway.auth === 'password' && (
            <Field className={styles.three} label={say('gateway.password')} hint={saved ? say('gateway.stored') : null}>
              <Input
                type="password"
                autoComplete="new-password"
                value={secret}
                onChange={(_, data) => {
                  setSecret(data.value);
                  setTest(null);
                }}
              />
            </Field>
          )}
          {gateway.auth === 'oauth2' && (
            <MessageBar className={styles.whole} layout="multiline">
              <MessageBarBody>{say('welcome.oauth')}</MessageBarBody>
            </MessageBar>
          )}
          {asksMode && (
            <Field className={styles.whole} label={say('welcome.use')}>
              <RadioGroup
                layout="horizontal"
                value={wanted}
                onChange={(_, data) => setWanted(data.value === 'onError' ? 'onError' : 'always')}
              >
                <Radio value="always" label={say('welcome.useAlways')} />
                <Radio value="onError" label={say('welcome.useOnError')} />
              </RadioGroup>
            </Field>
          )}
          <div className={styles.whole} role="status">
            {busy && <Spinner size="tiny" label={say('welcome.testing')} style={{ justifyContent: 'start' }} />}
          </div>
          {test !== null && (
            <div className={styles.whole} ref={(box) => box?.scrollIntoView({ block: 'nearest' })}>
              <TestResult ok={test.ok} steps={test.steps} onCopy={copy} />
            </div>
          )}
        </div>
      </StepFrame>
    </form>
  );
}
