/** The LAN table: which host takes the mail of which domain (spec §4.2). */
import { Button, Field, Input, makeStyles } from '@fluentui/react-components';
import { Add20Regular, Dismiss16Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { z } from 'zod';
import { lanHostSchema } from '../../shared/settings.ts';
import { validationProps } from '../components/validation-props.ts';
import { useFieldStyles } from './fields.tsx';
import { problemText } from './problem-text.ts';
import { useSetting } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  form: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr) 90px auto',
    columnGap: '8px',
    alignItems: 'start',
    '& .fui-Input': { width: '100%', minWidth: 0 },
    '& .fui-Input__input': { minWidth: 0 },
  },
});
type LanHost = z.output<typeof lanHostSchema>;

export function LanHosts() {
  const styles = useStyles();
  const fields = useFieldStyles();
  const { t } = useLocale();
  const table = useSetting<readonly LanHost[]>('connection.lanHosts');
  const [draft, setDraft] = useState({ domain: '', host: '', port: '25' });
  const parsed = lanHostSchema.safeParse({ ...draft, port: Number(draft.port) });
  const problemOf = (key: keyof typeof draft) => {
    const issue = parsed.success ? undefined : parsed.error.issues.find(({ path }) => path[0] === key);
    return issue === undefined || draft[key] === '' ? undefined : problemText(issue, t);
  };
  return (
    <div className={fields.listBox}>
      <span className={fields.help}>{t('setting.connection.lanHosts.help')}</span>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (!parsed.success) return;
          table.set([...table.value.filter((entry) => entry.domain !== parsed.data.domain), parsed.data]);
          setDraft({ domain: '', host: '', port: '25' });
        }}
      >
        {(['domain', 'host', 'port'] as const).map((key) => (
          <Field key={key} label={t(`lan.${key}`)} hint={t(`lan.${key}Help`)} {...validationProps(problemOf(key))}>
            <Input
              value={draft[key]}
              spellCheck={false}
              onChange={(_, data) => setDraft({ ...draft, [key]: data.value })}
            />
          </Field>
        ))}
        <Button className={fields.besideField} type="submit" icon={<Add20Regular />} disabled={!parsed.success}>
          {t('common.add')}
        </Button>
      </form>
      <ul className={fields.items} aria-label={t('connection.lan')}>
        {table.value.map((entry) => (
          <li key={entry.domain} className={fields.item}>
            <span className={fields.itemText}>
              {entry.domain} → {entry.host}:{entry.port}
            </span>
            <Button
              size="small"
              appearance="subtle"
              icon={<Dismiss16Regular />}
              aria-label={t('common.removeItem', { item: entry.domain })}
              onClick={() => table.set(table.value.filter((other) => other !== entry))}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}
