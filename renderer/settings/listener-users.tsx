/** Accounts of the listener: name and password; the password goes to the engine only and is kept as a hash. */
import { Button, Field, Input } from '@fluentui/react-components';
import { Add20Regular, Dismiss16Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import { drop, useBridge } from '../bridge.ts';
import { useSay } from '../i18n/i18n.ts';
import { useAttempt, useNotices } from '../notices.tsx';
import { useFieldStyles } from './fields.tsx';
import { useSettings } from './use-setting.ts';

export function ListenerUsers() {
  const styles = useFieldStyles();
  const say = useSay();
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  const { users } = useSettings().server;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const ready = name.trim() !== '' && password !== '';
  const set = async (user: string, secret: string | null) => {
    const done = await attempt(
      say('users.failed'),
      bridge.call('server.setPassword', { name: user, password: secret }),
    );
    if (done === null) return;
    if (secret !== null) {
      setName('');
      setPassword('');
    }
    notices.done(say(secret === null ? 'users.removed' : 'users.saved', { name: user }));
  };
  return (
    <div className={styles.listBox} role="group" aria-label={say('users.title')}>
      <span>{say('users.title')}</span>
      <span className={styles.help}>{say('users.help')}</span>
      <form
        className={styles.adder}
        style={{ alignItems: 'flex-start', maxWidth: 560 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) drop(set(name.trim(), password));
        }}
      >
        <Field label={say('users.name')} hint={say('users.nameHelp')} style={{ flexGrow: 1 }}>
          <Input value={name} autoComplete="off" spellCheck={false} onChange={(_, data) => setName(data.value)} />
        </Field>
        <Field label={say('users.password')} hint={say('users.passwordHelp')} style={{ flexGrow: 1 }}>
          <Input
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(_, data) => setPassword(data.value)}
          />
        </Field>
        <Button className={styles.besideField} type="submit" icon={<Add20Regular />} disabled={!ready}>
          {say('common.add')}
        </Button>
      </form>
      <ul className={styles.items} aria-label={say('users.title')}>
        {users.map((user) => (
          <li key={user.name} className={styles.item}>
            <span className={styles.itemText}>{user.name}</span>
            <Button
              size="small"
              appearance="subtle"
              icon={<Dismiss16Regular />}
              aria-label={say('common.removeItem', { item: user.name })}
              onClick={() => drop(set(user.name, null))}
            />
          </li>
        ))}
      </ul>
    </div>
  );
}
