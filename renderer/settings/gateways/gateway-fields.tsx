/** The fields of a gateway, checked as typed: in the settings all of them, in the first run those that are needed. */
import {
  Checkbox,
  Field,
  Input,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  Select,
} from '@fluentui/react-components';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { misfitPhrase } from '../../../shared/secret-binding.ts';
import { AUTH_KINDS, PRIORITIES, SECURITIES, type GatewaySettings } from '../../../shared/settings.ts';
import { validationProps, type ValidationProps } from '../../components/validation-props.ts';
import { gatewayErrors } from './gateway-errors.ts';
import { storedSecretStatus, type StoredSecret } from './stored-secret.ts';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  form: {
    display: 'grid',
    gridTemplateColumns: 'repeat(6, minmax(0, 1fr))',
    gap: '14px 12px',
    alignItems: 'start',
    '& .fui-Input, & .fui-Select': { width: '100%', minWidth: 0 },
    '& .fui-Input__input': { minWidth: 0 },
  },
  whole: { gridColumn: '1 / -1' },
  four: { gridColumn: 'span 4' },
  three: { gridColumn: 'span 3' },
  two: { gridColumn: 'span 2' },
  one: { gridColumn: 'span 1' },
  below: { display: 'flex', flexDirection: 'column', rowGap: '12px' },
  /** A checkbox has no height of a label above it. */
  box: { '& .fui-Field__hint': { marginInlineStart: '36px', marginTop: '-6px' } },
});

interface Props {
  readonly gateway: GatewaySettings;
  readonly onChange: (change: Partial<GatewaySettings>) => void;
  /** The password as typed; '' = none, or the one that is stored. */
  readonly secret: string;
  readonly onSecret: (secret: string) => void;
  /** What is known of the stored password or sign-in. */
  readonly stored: StoredSecret;
  /** `needed`: what a gateway cannot be used without. */
  readonly extent: 'all' | 'needed';
  /** How often something wrong was to be used: from the first time on every problem is shown, not only in fields that were changed. */
  readonly refused: number;
  /** What signs in with OAuth 2. */
  readonly signIn: ReactNode;
  /** More, in the grid's own columns, across all of them. */
  readonly children?: ReactNode;
}

/** Names parted by commas or lines. */
const parts = (text: string) =>
  text
    .split(/[\n,;]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** What the fields share. */
interface Form {
  readonly gateway: GatewaySettings;
  readonly set: (change: Partial<GatewaySettings>) => void;
  /** Props of a field: what is wrong with it, once that is to be said. */
  readonly problemOf: (name: keyof GatewaySettings) => ValidationProps;
}

export function GatewayFields(props: Props) {
  const { gateway, onChange, extent, refused, signIn, children } = props;
  const styles = useStyles();
  const { t } = useLocale();
  const box = useRef<HTMLDivElement>(null);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const errors = gatewayErrors(gateway, t);
  useEffect(() => {
    if (refused > 0) box.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refused]);
  const form: Form = {
    gateway,
    set: (change) => {
      setTouched((old) => new Set([...old, ...Object.keys(change)]));
      onChange(change);
    },
    problemOf: (name) => validationProps(refused > 0 || touched.has(name) ? errors[name] : undefined),
  };
  const { auth, security } = gateway;
  const all = extent === 'all';
  return (
    <div ref={box} className={styles.form}>
      <ServerFields form={form} all={all} />
      {auth !== 'none' && <TextField form={form} name="username" width={styles.three} required />}
      {auth === 'password' && <PasswordField {...props} />}
      {auth === 'oauth2' && (
        <>
          <TextField form={form} name="oauthIssuer" width={styles.three} placeholder="google, microsoft, https://…" />
          <TextField form={form} name="oauthClientId" width={styles.three} />
          <TextField form={form} name="oauthScope" width={styles.three} />
          {signIn}
        </>
      )}
      {all && <PartsField form={form} name="networks" />}
      {all && <PartsField form={form} name="senders" />}
      {auth !== 'none' && (security === 'none' || (all && security === 'auto')) && (
        <CheckField form={form} name="allowInsecureAuth" />
      )}
      {all && security !== 'none' && <CheckField form={form} name="allowInvalidCertificate" />}
      {(gateway.allowInsecureAuth || gateway.allowInvalidCertificate) && (
        <MessageBar className={styles.whole} intent="warning" layout="multiline">
          <MessageBarBody>{t('gateway.unsafe')}</MessageBarBody>
        </MessageBar>
      )}
      {children !== undefined && <div className={mergeClasses(styles.whole, styles.below)}>{children}</div>}
    </div>
  );
}

/** Name, server, and how it is spoken to. */
function ServerFields({ form, all }: { readonly form: Form; readonly all: boolean }) {
  const styles = useStyles();
  const { t } = useLocale();
  const { gateway, set, problemOf } = form;
  const { auth, security } = gateway;
  return (
    <>
      <TextField
        form={form}
        name="name"
        width={all ? styles.four : styles.two}
        required
        placeholder={t('gateway.namePlaceholder')}
      />
      {all && (
        <Field className={styles.two} label={t('gateway.priority')} hint={t('gateway.help.priority')}>
          <Select
            value={gateway.priority}
            onChange={(_, data) => set({ priority: data.value as GatewaySettings['priority'] })}
          >
            {PRIORITIES.map((value) => (
              <option key={value} value={value}>
                {t(`priority.${value}`)}
              </option>
            ))}
          </Select>
        </Field>
      )}
      <TextField
        form={form}
        name="host"
        width={all ? styles.four : styles.three}
        required
        placeholder="smtp.example.com"
      />
      <Field
        className={all ? styles.two : styles.one}
        label={t('gateway.port')}
        hint={t('gateway.help.port')}
        {...problemOf('port')}
      >
        <Input
          inputMode="numeric"
          value={Number.isNaN(gateway.port) ? '' : String(gateway.port)}
          onChange={(_, data) => set({ port: data.value.trim() === '' ? Number.NaN : Number(data.value) })}
        />
      </Field>
      <Field className={styles.three} label={t('gateway.security')} hint={t(`security2.${security}Help`)}>
        <Select value={security} onChange={(_, data) => set({ security: data.value as GatewaySettings['security'] })}>
          {SECURITIES.map((value) => (
            <option key={value} value={value}>
              {t(`security2.${value}`)}
            </option>
          ))}
        </Select>
      </Field>
      <Field className={styles.three} label={t('gateway.auth')} hint={t(`auth.${auth}Help`)}>
        <Select value={auth} onChange={(_, data) => set({ auth: data.value as GatewaySettings['auth'] })}>
          {AUTH_KINDS.map((value) => (
            <option key={value} value={value}>
              {t(`auth.${value}`)}
            </option>
          ))}
        </Select>
      </Field>
    </>
  );
}

interface TextProps {
  readonly form: Form;
  readonly name: 'name' | 'host' | 'username' | 'oauthIssuer' | 'oauthClientId' | 'oauthScope';
  readonly width: string;
  readonly required?: boolean;
  readonly placeholder?: string;
}

function TextField({ form, name, width, required = false, placeholder = '' }: TextProps) {
  const { t } = useLocale();
  return (
    <Field
      className={width}
      label={t(`gateway.${name}`)}
      hint={t(`gateway.help.${name}`)}
      required={required}
      {...form.problemOf(name)}
    >
      <Input
        value={form.gateway[name]}
        spellCheck={false}
        autoComplete="off"
        placeholder={placeholder}
        onChange={(_, data) => form.set({ [name]: data.value })}
      />
    </Field>
  );
}

function PasswordField({
  gateway,
  stored,
  secret,
  onSecret,
}: Pick<Props, 'gateway' | 'stored' | 'secret' | 'onSecret'>) {
  const styles = useStyles();
  const { t, phraseText } = useLocale();
  const { kept, again } = storedSecretStatus(stored, gateway);
  const askedAgain = again !== null && secret === '' ? phraseText(misfitPhrase('password', again)) : undefined;
  return (
    <Field
      className={styles.three}
      label={t('gateway.password')}
      hint={t(kept && secret === '' ? 'gateway.stored' : 'gateway.help.password')}
      {...(askedAgain === undefined ? {} : { validationState: 'warning', validationMessage: askedAgain })}
    >
      <Input
        type="password"
        autoComplete="new-password"
        value={secret}
        placeholder={kept ? '••••••••' : ''}
        onChange={(_, data) => onSecret(data.value)}
      />
    </Field>
  );
}

function PartsField({ form, name }: { readonly form: Form; readonly name: 'networks' | 'senders' }) {
  const styles = useStyles();
  const { t } = useLocale();
  return (
    <Field
      className={styles.three}
      label={t(`gateway.${name}`)}
      hint={t(`gateway.help.${name}`)}
      {...form.problemOf(name)}
    >
      <PartsInput
        value={form.gateway[name]}
        placeholder={t('gateway.all')}
        onChange={(next) => form.set({ [name]: next })}
      />
    </Field>
  );
}

interface CheckProps {
  readonly form: Form;
  readonly name: 'allowInsecureAuth' | 'allowInvalidCertificate';
}

function CheckField({ form, name }: CheckProps) {
  const styles = useStyles();
  const { t } = useLocale();
  return (
    <Field className={mergeClasses(styles.whole, styles.box)} hint={t(`gateway.help.${name}`)}>
      <Checkbox
        label={t(`gateway.${name}`)}
        checked={form.gateway[name]}
        onChange={(_, data) => form.set({ [name]: data.checked === true })}
      />
    </Field>
  );
}

interface PartsProps {
  readonly value: readonly string[];
  readonly onChange: (next: readonly string[]) => void;
  readonly placeholder: string;
}

/** A short list on one line; what is typed stays as typed until the field is left. */
function PartsInput({ value, onChange, placeholder, ...control }: PartsProps) {
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
      onBlur={() => setTyped(null)}
    />
  );
}
