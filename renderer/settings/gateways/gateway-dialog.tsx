/** Add or edit a gateway: checked as typed, tested on demand, the password handed to the key store only. */
import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Select,
  Spinner,
} from '@fluentui/react-components';
import { useState } from 'react';
import { Controller, useForm } from 'react-hook-form';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { AUTH_KINDS, PRIORITIES, SECURITIES, type GatewaySettings } from '../../../shared/settings.ts';
import { fault } from '../../components/fault.ts';
import { drop, useBridge } from '../../bridge.ts';
import { useSay } from '../../i18n/i18n.ts';
import { useAttempt } from '../../notices.tsx';
import { useCopy } from '../../components/copy-value.tsx';
import { ConsentDialog } from './consent-dialog.tsx';
import { resolveGateway } from './resolve-gateway.ts';
import { OAuthSignIn } from './oauth-sign-in.tsx';
import { TestResult } from './test-result.tsx';
import { useStoreGateway } from './use-store-gateway.ts';

const useStyles = makeStyles({
  surface: { maxWidth: '620px' },
  form: {
    display: 'grid',
    gridTemplateColumns: 'repeat(6, minmax(0, 1fr))',
    gap: '14px 12px',
    paddingBlock: '4px',
    alignItems: 'start',
    '& .fui-Input, & .fui-Select': { width: '100%', minWidth: 0 },
    '& .fui-Input__input': { minWidth: 0 },
  },
  whole: { gridColumn: '1 / -1' },
  four: { gridColumn: 'span 4' },
  three: { gridColumn: 'span 3' },
  two: { gridColumn: 'span 2' },
});

interface Props {
  readonly gateway: GatewaySettings;
  readonly fresh: boolean;
  readonly hasSecret: boolean;
  /** @returns false = not saved (and said why) */
  readonly onSave: (gateway: GatewaySettings) => Promise<boolean>;
  readonly onClose: () => void;
}

/** Names parted by commas or lines. */
const parts = (text: string) =>
  text
    .split(/[\n,;]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

export function GatewayDialog({ gateway, fresh, hasSecret, onSave, onClose }: Props) {
  const styles = useStyles();
  const say = useSay();
  const bridge = useBridge();
  const attempt = useAttempt();
  const copy = useCopy();
  const storeGateway = useStoreGateway();
  const [secret, setSecret] = useState('');
  const [asking, setAsking] = useState<GatewaySettings | null>(null);
  const [busy, setBusy] = useState<'saving' | 'testing' | null>(null);
  const [test, setTest] = useState<{ readonly ok: boolean; readonly steps: readonly TestStep[] } | null>(null);
  const form = useForm<GatewaySettings>({
    resolver: resolveGateway(say),
    defaultValues: gateway,
    mode: 'onChange',
  });
  const { control, formState, watch } = form;
  const auth = watch('auth');
  const security = watch('security');
  const problem = (name: keyof GatewaySettings) => {
    const error = formState.errors[name];
    return typeof error?.message === 'string' ? error.message : undefined;
  };
  const state = (name: keyof GatewaySettings) => fault(problem(name));

  const store = async (value: GatewaySettings, acceptObfuscated: boolean) => {
    setBusy('saving');
    const outcome = await storeGateway({
      gateway: value,
      fresh,
      secret,
      acceptObfuscated,
      save: () => onSave(value),
    });
    setBusy(null);
    if (outcome === 'needs-consent') setAsking(value);
    else if (outcome === 'saved') onClose();
  };
  const submit = form.handleSubmit((value) => store(value, false));
  const runTest = form.handleSubmit(async (value) => {
    setBusy('testing');
    setTest(null);
    const input = secret === '' ? { gateway: value } : { gateway: value, secret };
    setTest(await attempt(say('gateway.testFailed'), bridge.call('gateways.test', input)));
    setBusy(null);
  });

  if (asking !== null) {
    return (
      <ConsentDialog
        onAnswer={(agreed) => {
          setAsking(null);
          if (agreed) drop(store(asking, true));
        }}
      />
    );
  }
  return (
    <Dialog open modalType="modal" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className={styles.surface}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            drop(submit(event));
          }}
        >
          <DialogBody>
            <DialogTitle>{say(fresh ? 'gateway.add' : 'gateway.edit')}</DialogTitle>
            <DialogContent>
              <div className={styles.form}>
                <Field className={styles.four} label={say('gateway.name')} required {...state('name')}>
                  <Controller
                    name="name"
                    control={control}
                    render={({ field }) => <Input {...field} placeholder={say('gateway.namePlaceholder')} />}
                  />
                </Field>
                <Field className={styles.two} label={say('gateway.priority')}>
                  <Controller
                    name="priority"
                    control={control}
                    render={({ field }) => (
                      <Select {...field}>
                        {PRIORITIES.map((value) => (
                          <option key={value} value={value}>
                            {say(`priority.${value}`)}
                          </option>
                        ))}
                      </Select>
                    )}
                  />
                </Field>
                <Field className={styles.four} label={say('gateway.host')} required {...state('host')}>
                  <Controller
                    name="host"
                    control={control}
                    render={({ field }) => <Input {...field} spellCheck={false} placeholder="smtp.example.com" />}
                  />
                </Field>
                <Field className={styles.two} label={say('gateway.port')} {...state('port')}>
                  <Controller
                    name="port"
                    control={control}
                    render={({ field }) => (
                      <Input
                        {...field}
                        inputMode="numeric"
                        value={Number.isNaN(field.value) ? '' : String(field.value)}
                        onChange={(_, data) =>
                          field.onChange(data.value.trim() === '' ? Number.NaN : Number(data.value))
                        }
                      />
                    )}
                  />
                </Field>
                <Field className={styles.three} label={say('gateway.security')} hint={say(`security2.${security}Help`)}>
                  <Controller
                    name="security"
                    control={control}
                    render={({ field }) => (
                      <Select {...field}>
                        {SECURITIES.map((value) => (
                          <option key={value} value={value}>
                            {say(`security2.${value}`)}
                          </option>
                        ))}
                      </Select>
                    )}
                  />
                </Field>
                <Field className={styles.three} label={say('gateway.auth')}>
                  <Controller
                    name="auth"
                    control={control}
                    render={({ field }) => (
                      <Select
                        {...field}
                        onChange={(_, data) => {
                          field.onChange(data.value);
                          drop(form.trigger());
                        }}
                      >
                        {AUTH_KINDS.map((value) => (
                          <option key={value} value={value}>
                            {say(`auth.${value}`)}
                          </option>
                        ))}
                      </Select>
                    )}
                  />
                </Field>
                {auth !== 'none' && (
                  <Field className={styles.three} label={say('gateway.username')} required {...state('username')}>
                    <Controller
                      name="username"
                      control={control}
                      render={({ field }) => <Input {...field} spellCheck={false} autoComplete="off" />}
                    />
                  </Field>
                )}
                {auth === 'password' && (
                  <Field
                    className={styles.three}
                    label={say('gateway.password')}
                    hint={hasSecret && secret === '' ? say('gateway.stored') : null}
                  >
                    <Input
                      type="password"
                      autoComplete="new-password"
                      value={secret}
                      placeholder={hasSecret ? '••••••••' : ''}
                      onChange={(_, data) => setSecret(data.value)}
                    />
                  </Field>
                )}
                {auth === 'oauth2' && (
                  <Field className={styles.three} label={say('gateway.oauthIssuer')} {...state('oauthIssuer')}>
                    <Controller
                      name="oauthIssuer"
                      control={control}
                      render={({ field }) => (
                        <Input {...field} placeholder="google, microsoft, https://…" spellCheck={false} />
                      )}
                    />
                  </Field>
                )}
                {auth === 'oauth2' && (
                  <Field className={styles.whole} label={say('gateway.oauthClientId')} {...state('oauthClientId')}>
                    <Controller
                      name="oauthClientId"
                      control={control}
                      render={({ field }) => <Input {...field} spellCheck={false} />}
                    />
                  </Field>
                )}
                {auth === 'oauth2' && (
                  <OAuthSignIn gatewayId={gateway.id} signedIn={hasSecret} saved={!fresh && !formState.isDirty} />
                )}
                <Field
                  className={styles.three}
                  label={say('gateway.networks')}
                  hint={say('gateway.networksHelp')}
                  {...state('networks')}
                >
                  <Controller
                    name="networks"
                    control={control}
                    render={({ field }) => (
                      <PartsInput
                        value={field.value}
                        onChange={field.onChange}
                        onBlur={field.onBlur}
                        placeholder={say('gateway.all')}
                      />
                    )}
                  />
                </Field>
                <Field
                  className={styles.three}
                  label={say('gateway.senders')}
                  hint={say('gateway.sendersHelp')}
                  {...state('senders')}
                >
                  <Controller
                    name="senders"
                    control={control}
                    render={({ field }) => (
                      <PartsInput
                        value={field.value}
                        onChange={field.onChange}
                        onBlur={field.onBlur}
                        placeholder={say('gateway.all')}
                      />
                    )}
                  />
                </Field>
                {auth !== 'none' && security !== 'tls' && security !== 'starttls' && (
                  <div className={styles.whole}>
                    <Controller
                      name="allowInsecureAuth"
                      control={control}
                      render={({ field }) => (
                        <Checkbox
                          label={say('gateway.allowInsecureAuth')}
                          checked={field.value}
                          onChange={(_, data) => field.onChange(data.checked === true)}
                        />
                      )}
                    />
                  </div>
                )}
                {security !== 'none' && (
                  <div className={styles.whole}>
                    <Controller
                      name="allowInvalidCertificate"
                      control={control}
                      render={({ field }) => (
                        <Checkbox
                          label={say('gateway.allowInvalidCertificate')}
                          checked={field.value}
                          onChange={(_, data) => field.onChange(data.checked === true)}
                        />
                      )}
                    />
                  </div>
                )}
                {(watch('allowInsecureAuth') || watch('allowInvalidCertificate')) && (
                  <MessageBar className={styles.whole} intent="warning" layout="multiline">
                    <MessageBarBody>{say('gateway.unsafe')}</MessageBarBody>
                  </MessageBar>
                )}
                {busy === 'testing' && (
                  <Spinner
                    className={styles.whole}
                    size="tiny"
                    label={say('gateway.testing')}
                    style={{ justifyContent: 'start' }}
                  />
                )}
                {test !== null && (
                  <div className={styles.whole} ref={(box) => box?.scrollIntoView({ block: 'nearest' })}>
                    <TestResult ok={test.ok} steps={test.steps} onCopy={copy} />
                  </div>
                )}
              </div>
            </DialogContent>
            <DialogActions position="start">
              <Button disabled={busy !== null} onClick={() => drop(runTest())}>
                {say('gateway.test')}
              </Button>
            </DialogActions>
            <DialogActions position="end">
              <Button onClick={onClose}>{say('common.cancel')}</Button>
              <Button
                appearance="primary"
                type="submit"
                disabled={busy !== null || (formState.isSubmitted && Object.keys(formState.errors).length > 0)}
              >
                {say(fresh ? 'common.add' : 'common.save')}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

interface PartsProps {
  readonly value: readonly string[];
  readonly onChange: (next: readonly string[]) => void;
  readonly onBlur: () => void;
  readonly placeholder: string;
}

/** A short list on one line; what is typed stays as typed until the field is left. */
function PartsInput({ value, onChange, onBlur, placeholder, ...control }: PartsProps) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <Input
      {...control}
      value={typed ?? value.join(', ')}
      placeholder={placeholder}
      spellCheck={false}
      onChange={(_, data) => {
        setTyped(data.value);
        onChange(parts(data.value));
      }}
      onBlur={() => {
        setTyped(null);
        onBlur();
      }}
    />
  );
}
