import {
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Switch,
  tokens,
} from '@fluentui/react-components';
import { Copy20Regular, Dismiss16Regular, Key20Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { DkimRecord } from '../../shared/ipc-contract.ts';
import { fireAndForget } from '../bridge.ts';
import { useCopy } from '../components/copy-value.tsx';
import { validationProps } from '../components/validation-props.ts';
import { useCommand } from '../notices.tsx';
import { useStatus } from '../status.ts';
import { Group, PageTitle, SwitchSetting, useFieldStyles } from './fields.tsx';
import { problemText } from './problem-text.ts';
import { issuesOf, useSetting, useSettings } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  form: { display: 'flex', columnGap: '8px', alignItems: 'flex-start' },
  record: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    padding: '10px 12px',
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
    overflowWrap: 'anywhere',
    userSelect: 'text',
  },
});
interface DkimName {
  readonly domain: string;
  readonly selector: string;
}

interface DkimKey extends DkimName {
  readonly enabled: boolean;
}

function DkimKeys() {
  const fields = useFieldStyles();
  const { t } = useLocale();
  const command = useCommand();
  const { dkim } = useSettings().security;
  const list = useSetting<readonly DkimKey[]>('security.dkim');
  const [record, setRecord] = useState<(DkimRecord & { readonly of: string }) | null>(null);
  /** @returns whether there is one to be shown */
  const show = async (name: 'security.makeDkimKey' | 'security.dkimRecord', key: DkimName) => {
    const found = await command(name, key, t('dkim.failed'));
    setRecord(found === null ? null : { ...found, of: `${key.selector}.${key.domain}` });
    return found !== null;
  };
  return (
    <div className={fields.listBox}>
      <span className={fields.help}>{t('dkim.help')}</span>
      <DkimForm onMake={(key) => show('security.makeDkimKey', key)} />
      <ul className={fields.items} aria-label={t('dkim.title')}>
        {dkim.map((key, i) => (
          <li key={`${key.selector}.${key.domain}`} className={fields.item}>
            <span className={fields.itemText}>
              {key.domain} ({key.selector})
            </span>
            <Button
              size="small"
              appearance="subtle"
              onClick={() => fireAndForget(show('security.dkimRecord', { domain: key.domain, selector: key.selector }))}
            >
              {t('dkim.show')}
            </Button>
            <Switch
              aria-label={t('dkim.enabled', { domain: key.domain })}
              checked={key.enabled}
              onChange={(_, data) =>
                list.set(dkim.map((other, n) => (n === i ? { ...other, enabled: data.checked } : other)))
              }
            />
            <Button
              size="small"
              appearance="subtle"
              icon={<Dismiss16Regular />}
              aria-label={t('common.removeItem', { item: `${key.domain} (${key.selector})` })}
              onClick={() => {
                list.set(dkim.filter((other) => other !== key));
                if (record?.of === `${key.selector}.${key.domain}`) setRecord(null);
              }}
            />
          </li>
        ))}
      </ul>
      <div aria-live="polite">{record !== null && <DnsRecord record={record} />}</div>
    </div>
  );
}

/** @param onMake makes a key. @returns whether it was made */
function DkimForm({ onMake }: { readonly onMake: (key: DkimName) => Promise<boolean> }) {
  const styles = useStyles();
  const fields = useFieldStyles();
  const { t } = useLocale();
  const settings = useSettings();
  const [domain, setDomain] = useState('');
  const [selector, setSelector] = useState('postcast');
  const typed = { domain: domain.trim(), selector: selector.trim() };
  const issues = issuesOf(settings, 'security.dkim', [typed]);
  const problemOf = (key: keyof typeof typed) => {
    const issue = typed[key] === '' ? undefined : issues.find(({ path }) => path.at(-1) === key);
    return issue === undefined ? undefined : problemText(issue, t);
  };
  const ready = issues.length === 0;
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        // What could not be used stays, to be corrected.
        if (ready) fireAndForget(onMake(typed).then((made) => made && setDomain('')));
      }}
    >
      <Field label={t('dkim.domain')} hint={t('dkim.domainHelp')} {...validationProps(problemOf('domain'))}>
        <Input
          value={domain}
          placeholder="example.com"
          spellCheck={false}
          onChange={(_, data) => setDomain(data.value)}
        />
      </Field>
      <Field label={t('dkim.selector')} hint={t('dkim.selectorHelp')} {...validationProps(problemOf('selector'))}>
        <Input value={selector} spellCheck={false} onChange={(_, data) => setSelector(data.value)} />
      </Field>
      <Button className={fields.besideField} type="submit" icon={<Key20Regular />} disabled={!ready}>
        {t('dkim.make')}
      </Button>
    </form>
  );
}

/** What has to be published in the DNS. */
function DnsRecord({ record }: { readonly record: DkimRecord }) {
  const styles = useStyles();
  const fields = useFieldStyles();
  const { t } = useLocale();
  const copy = useCopy();
  const text = `${record.name} TXT "${record.value}"`;
  return (
    <div>
      <p className={fields.help}>{t('dkim.publish')}</p>
      <div className={styles.record}>
        {record.name} TXT
        <br />
        {record.value}
      </div>
      <Button style={{ marginTop: 8 }} icon={<Copy20Regular />} onClick={() => copy(text)}>
        {t('dkim.copy')}
      </Button>
    </div>
  );
}

export function SecurityPage() {
  const { t } = useLocale();
  const secrets = useStatus()?.secrets;
  return (
    <>
      <PageTitle title={t('settings.page.security')} help={t('security.help')} />
      <Group title={t('security.secrets')} anchor="secrets">
        {secrets !== undefined && (
          <MessageBar intent={secrets.protection === 'protected' ? 'success' : 'warning'} layout="multiline">
            <MessageBarBody>{t(`security.${secrets.protection}`, { backend: secrets.backend })}</MessageBarBody>
          </MessageBar>
        )}
      </Group>
      <Group title={t('dkim.title')} anchor="dkim">
        <DkimKeys />
      </Group>
      <Group title={t('security.network')}>
        <SwitchSetting path="security.captivePortalProbe" />
      </Group>
    </>
  );
}
