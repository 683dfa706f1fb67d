/** Recipients that were refused for good: looked at, exported, cleared. */
import { Button, makeStyles, Text, tokens } from '@fluentui/react-components';
import { ArrowDownload20Regular, Delete20Regular } from '@fluentui/react-icons';
import { invalidAddressesCsv, invalidAddressesText } from '../../shared/invalid-addresses-text.ts';
import { fireAndForget } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { useCommand } from '../notices.tsx';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  frame: {
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    maxHeight: '260px',
    overflow: 'auto',
  },
  table: {
    width: '100%',
    borderCollapse: 'collapse',
    tableLayout: 'fixed',
    '& th, & td': {
      padding: '6px 12px',
      textAlign: 'start',
      overflow: 'hidden',
      textOverflow: 'ellipsis',
      whiteSpace: 'nowrap',
      borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
      userSelect: 'text',
    },
    '& th': {
      color: tokens.colorNeutralForeground3,
      fontWeight: tokens.fontWeightRegular,
      fontSize: tokens.fontSizeBase200,
    },
  },
  faint: { color: tokens.colorNeutralForeground3 },
  buttons: { display: 'flex', columnGap: '8px' },
});

export function InvalidAddresses() {
  const styles = useStyles();
  const { t, format } = useLocale();
  const now = useNow(60_000);
  const command = useCommand();
  const live = useAnswer('queue.invalidAddresses', {});
  const rows = live.value?.rows ?? [];
  const save = (name: string, text: string) =>
    fireAndForget(command('app.saveText', { suggestedName: name, text }, t('action.saveFailed')));
  if (rows.length === 0) return <Text className={styles.faint}>{t('invalid.none')}</Text>;
  return (
    <>
      <div className={styles.frame} tabIndex={0} role="group" aria-label={t('administration.invalid')}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th style={{ width: '34%' }}>{t('invalid.address')}</th>
              <th>{t('invalid.reply')}</th>
              <th style={{ width: '90px' }}>{t('invalid.when')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, 500).map((row) => (
              <tr key={row.address}>
                <td title={row.address}>{row.address}</td>
                <td title={row.reply}>{row.reply}</td>
                <td title={format.moment(row.at)}>{format.shortMoment(row.at, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className={styles.buttons}>
        <Button
          icon={<ArrowDownload20Regular />}
          onClick={() => save('invalid-addresses.txt', invalidAddressesText(rows))}
        >
          {t('invalid.exportText')}
        </Button>
        <Button
          icon={<ArrowDownload20Regular />}
          onClick={() => save('invalid-addresses.csv', invalidAddressesCsv(rows))}
        >
          {t('invalid.exportCsv')}
        </Button>
        <Button
          appearance="subtle"
          icon={<Delete20Regular />}
          onClick={() =>
            fireAndForget(command('queue.clearInvalidAddresses', {}, t('invalid.clearFailed')).then(live.reload))
          }
        >
          {t('invalid.clear')}
        </Button>
      </div>
    </>
  );
}
