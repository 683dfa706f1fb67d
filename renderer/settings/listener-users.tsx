/** Accounts of the listener: name and password; the password goes to the engine only and is kept as a hash. */
import { Button, Field, Input } from '@fluentui/react-components';
import { Add20Regular, Dismiss16Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import { fireAndForget } from '../bridge.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { useFieldStyles } from './fields.tsx';
import { useSettings } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

export function ListenerUsers() {
  const styles = useFieldStyles();
  const { t } = useLocale();
  const command = useCommand();
  const notices = useNotices();
  const { users } = useSettings().server;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const ready = name.trim() !== '' && password !== '';
  const set = async (user: string, secret: string | null) => {
    const done = await command('server.setPassword', { name: user, password: secret }, t('users.failed'));
    if (done === null) return;
    if (secret !== null) {
      setName('');
      setPassword('');
    }
    notices.done(t(secret === null ? 'users.removed' : 'users.saved', { name: user }));
  };
  return (
    <div className={styles.listBox} role="group" aria-label={t('users.title')}>
      <span>{t('users.title')}</span>
      <span className={styles.help}>{t('users.help')}</span>
      <form
        className={styles.adder}
        style={{ alignItems: 'flex-start', maxWidth: 560 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) fireAndForget(set(name.trim(), password));
        }}
      >
        <Field label={t('users.name')} hint={t('users.nameHelp')} style={{ flexGrow: 1 }}>
          <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
        </Field>
        <Field label={t('users.password')} hint={t('users.passwordHelp')} style={{ flexGrow: 1 }}>
          <Input
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(_, data) => setPassword(data.value)}
          />
        </Field>
        <Button className={styles.besideField} type="submit" icon={<Add20Regular />} disabled={!ready}>
          {t('common.add')}
        </Button>
      </form>
      <ul className={styles.items} aria-label={t('users.title')}>
        {users.map((user) => (
          <li key={user.name} className={styles.item}>
            <span className={styles.itemText}>{user.name}</span>
            <Button
              size="small"
              appearance="subtle"
              icon={<Dismiss16Regular />}
              aria-label={t('common.removeItem', { item: user.name })}
              onClick={() => fireAndForget(set(user.name, null))}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}
