/** The recipients: state, reason for the route, the server's reply, next attempt with a countdown. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { isPending, type HoldReason, type RecipientView } from '../../shared/mail.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { StateBadge } from '../queue/state-badge.tsx';
import { replyText } from './reply-text.ts';

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0 },
  item: {
    display: 'grid',
    gridTemplateColumns: '160px minmax(0, 1fr) auto',
    columnGap: '12px',
    paddingBlock: '10px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':last-child': { borderBottom: 'none' },
  },
  doubt: { paddingInlineStart: '22px', color: tokens.colorNeutralForeground2 },
  address: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere', userSelect: 'text' },
  why: { margin: '2px 0 0', color: tokens.colorNeutralForeground2, userSelect: 'text', overflowWrap: 'anywhere' },
  reply: {
    margin: '4px 0 0',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    userSelect: 'text',
  },
  when: {
    textAlign: 'end',
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: 'tabular-nums',
    whiteSpace: 'nowrap',
  },
});

interface Props {
  readonly recipients: readonly RecipientView[];
  /** Why nothing is tried now, null = what is due is tried. */
  readonly hold: HoldReason | null;
  /** The message lies in Deleted. */
  readonly deleted: boolean;
}

export function RecipientList({ recipients, hold, deleted }: Props) {
  const styles = useStyles();
  const { t, phraseText, format } = useLocale();
  const now = useNow(1000);
  return (
    <ul className={styles.list}>
      {recipients.map((recipient) => (
        <li key={recipient.id} className={styles.item}>
          <div>
            {isPending(recipient.state) ? (
              <StateBadge
                state={recipient.state}
                mayHaveArrived={recipient.mayHaveArrived}
                hold={hold}
                deleted={deleted}
              />
            ) : (
              <>
                <StateBadge state={recipient.state} mayHaveArrived={false} hold={hold} deleted={deleted} />
                {recipient.mayHaveArrived && <div className={styles.doubt}>{t('state.mayHaveArrived')}</div>}
              </>
            )}
          </div>
          <div>
            <div className={styles.address}>{recipient.rcptTo}</div>
            {recipient.why.map((phrase, i) => (
              <p key={i} className={styles.why}>
                {phraseText(phrase)}
              </p>
            ))}
            {recipient.reply !== null && <p className={styles.reply}>{replyText(recipient.reply)}</p>}
          </div>
          <div className={styles.when}>
            {isPending(recipient.state) && recipient.nextAt !== null && (
              <div title={format.moment(recipient.nextAt)}>
                {recipient.nextAt > now
                  ? t('details.nextIn', { time: format.countdown(recipient.nextAt - now) })
                  : t(hold === null ? 'queue.dueNow' : `queue.dueAfter.${hold}`)}
              </div>
            )}
            {recipient.doneAt !== null && <div>{format.moment(recipient.doneAt)}</div>}
            {recipient.attempts > 0 && <div>{t('details.attempts', { count: recipient.attempts })}</div>}
          </div>
        </li>
      ))}
    </ul>
  );
}
