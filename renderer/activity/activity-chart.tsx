/**
 * The chart: bars of delivered and, hatched, deferred; the line is what was accepted; a dashed mark is a change of the
 * network. Told apart by shape as well as by colour. Hidden from screen readers: a table has the same numbers.
 */
import { makeStyles, tokens } from '@fluentui/react-components';
import { useId } from 'react';
import type { Activity, ActivityPoint } from '../../shared/ipc-contract.ts';
import { useLocale } from '../i18n/locale.tsx';
import { highest, scaleTop, type Span } from './series.ts';

/** Names are shown where they overlap neither the one before nor `end`. */
function withoutOverlap<Mark extends { readonly at: number; readonly name: string }>(
  marks: readonly Mark[],
  end: number,
): readonly (Mark & { readonly shown: boolean })[] {
  let freeFrom = 0;
  return marks.map((mark) => {
    const shown = mark.at >= freeFrom && mark.at < end;
    if (shown) freeFrom = mark.at + mark.name.length * 6 + 12;
    return { ...mark, shown };
  });
}

const useStyles = makeStyles({
  chart: { display: 'block', width: '100%', height: 'auto' },
  delivered: { fill: tokens.colorCompoundBrandBackground, '@media (forced-colors: active)': { fill: 'Highlight' } },
  hatch: {
    stroke: tokens.colorPaletteDarkOrangeForeground1,
    '@media (forced-colors: active)': { stroke: 'CanvasText' },
  },
  deferredEdge: {
    fill: 'none',
    stroke: tokens.colorPaletteDarkOrangeForeground1,
    '@media (forced-colors: active)': { stroke: 'CanvasText' },
  },
  accepted: {
    fill: 'none',
    stroke: tokens.colorNeutralForeground1,
    strokeWidth: '1.5px',
    '@media (forced-colors: active)': { stroke: 'CanvasText' },
  },
  grid: { stroke: tokens.colorNeutralStroke2, '@media (forced-colors: active)': { stroke: 'GrayText' } },
  mark: {
    stroke: tokens.colorNeutralForeground3,
    strokeDasharray: '4 3',
    '@media (forced-colors: active)': { stroke: 'GrayText' },
  },
  words: {
    fill: tokens.colorNeutralForeground3,
    fontSize: '11px',
    '@media (forced-colors: active)': { fill: 'CanvasText' },
  },
});

interface Props {
  readonly points: readonly ActivityPoint[];
  readonly changes: Activity['networkChanges'];
  readonly span: Span;
  /** px of the drawing's own grid. */
  readonly width: number;
  readonly height: number;
  /** Without axes and words: for the status bar. */
  readonly plain?: boolean;
}

export function ActivityChart({ points, changes, span, width, height, plain = false }: Props) {
  const styles = useStyles();
  const { t, format } = useLocale();
  const hatch = useId();
  const left = plain ? 0 : 36;
  const top = plain ? 1 : 22;
  const bottom = plain ? 1 : 22;
  const inner = { width: width - left - (plain ? 0 : 8), height: height - top - bottom };
  const most = scaleTop(highest(points));
  const slot = inner.width / Math.max(1, points.length);
  const y = (value: number) => top + inner.height * (1 - value / most);
  const first = points[0]?.at ?? 0;
  const last = points.at(-1)?.at ?? 0;
  const step = points.length > 1 ? (last - first) / (points.length - 1) : 1;
  const x = (at: number) => left + ((at - first) / step) * slot;
  const marks = withoutOverlap(
    changes
      .filter((change) => change.at >= first && x(change.at) <= left + inner.width)
      .map((change) => ({ change, at: x(change.at), name: change.name ?? t('activity.noNetwork') })),
    plain ? 0 : width - 60,
  );
  const line = points
    .map(
      (point, i) =>
        `${i === 0 ? 'M' : 'H'}${(left + i * slot).toFixed(1)}${i === 0 ? ` ${y(point.accepted).toFixed(1)}` : `V${y(point.accepted).toFixed(1)}`}`,
    )
    .join('')
    .concat(points.length > 0 ? `H${(left + inner.width).toFixed(1)}` : '');
  const label = (at: number) => (span === 'month' ? format.dayOf(at) : format.clock(at));
  const every = Math.max(1, Math.ceil(points.length / 6));
  return (
    <svg
      className={styles.chart}
      viewBox={`0 0 ${width} ${height}`}
      {...(plain ? { width, height, style: { width, height } } : {})}
      aria-hidden
    >
      <defs>
        <pattern id={hatch} width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" y1="0" x2="0" y2="4" strokeWidth="2.5" className={styles.hatch} />
        </pattern>
      </defs>
      {!plain &&
        [0, 0.5, 1].map((part) => (
          <g key={part}>
            <line className={styles.grid} x1={left} x2={left + inner.width} y1={y(most * part)} y2={y(most * part)} />
            <text className={styles.words} x={left - 6} y={y(most * part) + 4} textAnchor="end">
              {format.number(most * part)}
            </text>
          </g>
        ))}
      <Bars points={points} left={left} slot={slot} y={y} hatch={hatch} plain={plain} />
      <path className={styles.accepted} d={line} />
      {marks.map(({ change, at, name, shown }, i) => {
        return (
          <g key={`${change.at}-${i}`}>
            <line className={styles.mark} x1={at} x2={at} y1={plain ? 0 : 12} y2={y(0)} />
            {shown && (
              <text className={styles.words} x={at + 4} y={14}>
                {name.length > 24 ? `${name.slice(0, 23)}…` : name}
              </text>
            )}
          </g>
        );
      })}
      {!plain &&
        points.map(
          (point, i) =>
            i % every === 0 && (
              <text key={point.at} className={styles.words} x={left + i * slot} y={height - 6}>
                {label(point.at)}
              </text>
            ),
        )}
    </svg>
  );
}

interface BarsProps {
  readonly points: readonly ActivityPoint[];
  /** px: where the first bar begins, and the width of each. */
  readonly left: number;
  readonly slot: number;
  /** From a count to px. */
  readonly y: (value: number) => number;
  /** Id of the pattern. */
  readonly hatch: string;
  readonly plain: boolean;
}

/** Delivered, and above it deferred. */
function Bars({ points, left, slot, y, hatch, plain }: BarsProps) {
  const styles = useStyles();
  const gap = slot > 4 ? 1 : 0;
  return points.map((point, i) => {
    const box = { x: left + i * slot + gap, width: Math.max(0.5, slot - 2 * gap) };
    return (
      <g key={point.at}>
        {point.delivered > 0 && (
          <rect className={styles.delivered} {...box} y={y(point.delivered)} height={y(0) - y(point.delivered)} />
        )}
        {point.deferred > 0 && (
          <rect
            {...box}
            fill={`url(#${hatch})`}
            className={plain ? undefined : styles.deferredEdge}
            style={{ fill: `url(#${hatch})` }}
            y={y(point.delivered + point.deferred)}
            height={y(point.delivered) - y(point.delivered + point.deferred)}
          />
        )}
      </g>
    );
  });
}
