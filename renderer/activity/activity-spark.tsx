/** The last hour, small, in the status bar; a click shows the page. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { useAnswer } from '../server-cache.ts';
import { ActivityChart } from './activity-chart.tsx';
import { pointsOf, totalsOf } from './series.ts';

const useStyles = makeStyles({
  button: {
    border: 'none',
    backgroundColor: 'transparent',
    padding: '2px 4px',
    height: '24px',
    flexShrink: 0,
    marginInlineStart: 'auto',
    borderRadius: tokens.borderRadiusSmall,
    cursor: 'pointer',
    ':hover': { backgroundColor: tokens.colorNeutralBackground3Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
});
/** The chart shows minutes: reading at every change of the queue would be wasted. */
const REFRESH_MS = 5_000;
const HOUR = { span: 'hour' } as const;

export function ActivitySpark({ onOpen }: { readonly onOpen: () => void }) {
  const styles = useStyles();
  const { t, format } = useLocale();
  const now = useNow(REFRESH_MS);
  const { value: activity } = useAnswer('queue.activity', HOUR, REFRESH_MS);
  if (activity === null) return null;
  const points = pointsOf(activity, 'hour', now);
  const totals = totalsOf(points);
  const summary = t('activity.summary', {
    accepted: format.number(totals.accepted),
    delivered: format.number(totals.delivered),
    deferred: format.number(totals.deferred),
  });
  const label = t('activity.lastHour', { summary });
  return (
    <button
      type="button"
      className={styles.button}
      aria-label={`${t('activity.title')}. ${label}`}
      title={label}
      onClick={onOpen}
    >
      <ActivityChart points={points} changes={activity.networkChanges} span="hour" width={120} height={20} plain />
    </button>
  );
}
