/** A value, its name and a button that copies it. */
import { Button, makeStyles, tokens, Tooltip } from '@fluentui/react-components';
import { Copy20Regular } from '@fluentui/react-icons';
import { fireAndForget } from '../bridge.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  list: {
    display: 'grid',
    gridTemplateColumns: 'max-content minmax(0, 1fr) auto',
    alignItems: 'center',
    columnGap: '16px',
    margin: 0,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    paddingInline: '12px 4px',
    '& dt, & dd': { margin: 0 },
    '& dd': { overflowWrap: 'anywhere', userSelect: 'text' },
    '& dt': { color: tokens.colorNeutralForeground3 },
  },
  row: { display: 'contents' },
  none: { minHeight: '32px', display: 'block' },
});

/** Puts a text on the clipboard and says so. */
export function useCopy(): (text: string) => void {
  const { t } = useLocale();
  const command = useCommand();
  const notices = useNotices();
  return (text) =>
    fireAndForget(
      command('app.copy', { text }, t('common.copyFailed')).then(
        (done) => done !== null && notices.done(t('common.copied')),
      ),
    );
}

interface Props {
  /** `copy`: false = nothing that one would paste. */
  readonly values: readonly { readonly name: string; readonly value: string; readonly copy: boolean }[];
}

export function CopyValues({ values }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const copy = useCopy();
  return (
    <dl className={styles.list}>
      {values.map(({ name, value, copy: copied }) => (
        <div key={name} className={styles.row}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {copied ? (
            <dd>
              <Tooltip content={t('common.copyOf', { name })} relationship="label">
                <Button appearance="subtle" icon={<Copy20Regular />} onClick={() => copy(value)} />
              </Tooltip>
            </dd>
          ) : (
            <dd className={styles.none} />
          )}
        </div>
      ))}
    </dl>
  );
}
