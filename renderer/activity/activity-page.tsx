/** Activity at full size: the chart, its key, and the same as a table. */
import { makeStyles, Text, tokens } from '@fluentui/react-components';
import { useCallback, useState } from 'react';
import type { Activity, ActivityPoint } from '../../shared/ipc-contract.ts';
import { Tabs } from '../components/tabs.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { ActivityChart } from './activity-chart.tsx';
import { pointsOf, SPANS, totalsOf, type Span } from './series.ts';
import { useAnswer } from '../server-cache.ts';

const hatching = (colour: string) => `repeating-linear-gradient(45deg, ${colour} 0 2px, transparent 2px 4px)`;

const useStyles = makeStyles({
  page: { flexGrow: 1, overflow: 'auto', padding: '20px 28px 32px' },
  inner: { maxWidth: '1100px', margin: '0 auto', display: 'flex', flexDirection: 'column', rowGap: '14px' },
  head: { display: 'flex', flexWrap: 'wrap', gap: '8px 24px', justifyContent: 'space-between', alignItems: 'flex-end' },
  faint: { color: tokens.colorNeutralForeground3 },
  figure: { margin: 0 },
  keys: { display: 'flex', flexWrap: 'wrap', gap: '4px 20px', color: tokens.colorNeutralForeground2 },
  key: { display: 'inline-flex', alignItems: 'center', columnGap: '8px' },
  swatch: { width: '18px', height: '12px', boxSizing: 'border-box', forcedColorAdjust: 'none' },
  // Where the system forces its colours they are those of the chart.
  delivered: {
    backgroundColor: tokens.colorCompoundBrandBackground,
    '@media (forced-colors: active)': { backgroundColor: 'Highlight' },
  },
  deferred: {
    border: `1px solid ${tokens.colorPaletteDarkOrangeForeground1}`,
    backgroundImage: hatching(tokens.colorPaletteDarkOrangeForeground1),
    '@media (forced-colors: active)': {
      border: '1px solid CanvasText',
      backgroundImage: hatching('CanvasText'),
    },
  },
  accepted: {
    height: 0,
    borderTop: `2px solid ${tokens.colorNeutralForeground1}`,
    '@media (forced-colors: active)': { borderTopColor: 'CanvasText' },
  },
  network: { width: 0, height: '14px', borderLeft: `1px dashed ${tokens.colorNeutralForeground3}` },
  summary: { cursor: 'pointer', ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` } },
  table: {
    borderCollapse: 'collapse',
    marginTop: '8px',
    fontVariantNumeric: 'tabular-nums',
    '& th, & td': {
      textAlign: 'start',
      padding: '3px 18px 3px 0',
      borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
      fontWeight: tokens.fontWeightRegular,
    },
    '& thead th': { fontWeight: tokens.fontWeightSemibold },
  },
});

/** The width of an element in px as it changes, so that a drawing's words keep their size. */
function useWidth(before: number): readonly [number, (element: HTMLElement | null) => (() => void) | undefined] {
  const [width, setWidth] = useState(before);
  const measure = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [width, measure];
}

export function ActivityPage() {
  const styles = useStyles();
  const { t, failureText } = useLocale();
  const now = useNow(30_000);
  const [span, setSpan] = useState<Span>('hour');
  const { value: activity, failure } = useAnswer('queue.activity', { span });
  const points = activity === null ? [] : pointsOf(activity, span, now);
  const changes = activity?.networkChanges ?? [];
  const totals = totalsOf(points);
  const quiet = totals.accepted + totals.delivered + totals.deferred === 0;
  const rows = points.map((point, i) => ({
    point,
    networks: changes.filter((change) => change.at >= point.at && change.at < (points[i + 1]?.at ?? Infinity)),
  }));
  const busy = rows.filter(
    ({ point, networks }) => point.accepted + point.delivered + point.deferred > 0 || networks.length > 0,
  );
  return (
    <div className={styles.page}>
      <div className={styles.inner}>
        <div className={styles.head}>
          <div>
            <Text as="h1" size={600} weight="semibold" style={{ margin: 0, display: 'block' }}>
              {t('activity.title')}
            </Text>
            <Text className={styles.faint}>{t('activity.help')}</Text>
          </div>
          <Tabs
            label={t('activity.span')}
            panel="activity-panel"
            value={span}
            onChange={setSpan}
            tabs={SPANS.map((value) => ({ value, label: t(`activity.${value}`) }))}
          />
        </div>
        <div id="activity-panel" role="tabpanel" tabIndex={0} aria-labelledby="activity-panel-tab">
          {failure !== null && (
            <Text role="alert">
              {t('activity.unreadable')}: {failureText(failure)}
            </Text>
          )}
          {activity !== null && <ActivityFigure points={points} changes={changes} span={span} />}
        </div>
        {activity !== null && quiet && <Text role="status">{t('activity.nothing')}</Text>}
        {busy.length > 0 && <ActivityTable rows={busy} span={span} />}
      </div>
    </div>
  );
}

interface FigureProps {
  readonly points: readonly ActivityPoint[];
  readonly changes: Activity['networkChanges'];
  readonly span: Span;
}

/** The chart and its key. */
function ActivityFigure({ points, changes, span }: FigureProps) {
  const styles = useStyles();
  const { t, format } = useLocale();
  const [width, measure] = useWidth(1000);
  const totals = totalsOf(points);
  const words = {
    accepted: format.number(totals.accepted),
    delivered: format.number(totals.delivered),
    deferred: format.number(totals.deferred),
  };
  return (
    <figure ref={measure} className={styles.figure} aria-label={t('activity.summary', words)}>
      <ActivityChart
        points={points}
        changes={changes}
        span={span}
        width={width}
        height={Math.round(Math.min(320, Math.max(180, width * 0.38)))}
      />
      <figcaption className={styles.keys}>
        {(['delivered', 'deferred', 'accepted'] as const).map((name) => (
          <span key={name} className={styles.key}>
            <span className={`${styles.swatch} ${styles[name]}`} aria-hidden />
            {t(`activity.${name}`)}: {words[name]}
          </span>
        ))}
        <span className={styles.key}>
          <span className={styles.network} aria-hidden />
          {t('activity.network')}
        </span>
      </figcaption>
    </figure>
  );
}

interface TableProps {
  readonly rows: readonly { readonly point: ActivityPoint; readonly networks: Activity['networkChanges'] }[];
  readonly span: Span;
}

function ActivityTable({ rows, span }: TableProps) {
  const styles = useStyles();
  const { t, format } = useLocale();
  return (
    <details>
      <summary className={styles.summary}>{t('activity.table')}</summary>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t('activity.from')}</th>
            <th scope="col">{t('activity.accepted')}</th>
            <th scope="col">{t('activity.delivered')}</th>
            <th scope="col">{t('activity.deferred')}</th>
            <th scope="col">{t('activity.network')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ point, networks }) => (
            <tr key={point.at}>
              <th scope="row">{span === 'month' ? format.dayOf(point.at) : format.shortMomentWithTime(point.at)}</th>
              <td>{format.number(point.accepted)}</td>
              <td>{format.number(point.delivered)}</td>
              <td>{format.number(point.deferred)}</td>
              <td>
                {networks
                  .map((change) => t('activity.networkChange', { network: change.name ?? t('activity.noNetwork') }))
                  .join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
