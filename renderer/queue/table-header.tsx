/** Column heads: a click sorts, dragging the edge resizes. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { ArrowSortDown16Regular, ArrowSortUp16Regular } from '@fluentui/react-icons';
import { FLEXIBLE, isRightAligned, type ShownColumn } from './columns.tsx';
import { useDrag } from '../components/use-drag.ts';
import { MAX_WIDTH, MIN_WIDTH, type Layout } from './layout.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  head: {
    position: 'sticky',
    top: 0,
    zIndex: 2,
    display: 'flex',
    height: '34px',
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  cell: {
    position: 'relative',
    flexShrink: 0,
    boxSizing: 'border-box',
    display: 'flex',
    // The last grip would make the list wider than it is.
    '&:last-child > [aria-hidden]': { insetInlineEnd: '0' },
  },
  flexible: { flexGrow: 1, flexShrink: 1 },
  button: {
    flexGrow: 1,
    minWidth: 0,
    display: 'flex',
    alignItems: 'center',
    columnGap: '4px',
    paddingInline: '10px',
    border: 'none',
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground3,
    fontFamily: 'inherit',
    fontSize: tokens.fontSizeBase200,
    cursor: 'default',
    ':hover': { color: tokens.colorNeutralForeground1 },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  sorted: { color: tokens.colorNeutralForeground1, fontWeight: tokens.fontWeightSemibold },
  right: { justifyContent: 'flex-end' },
  grip: {
    position: 'absolute',
    insetInlineEnd: '-4px',
    top: '6px',
    bottom: '6px',
    width: '9px',
    zIndex: 1,
    cursor: 'col-resize',
    touchAction: 'none',
    '::after': {
      content: '""',
      position: 'absolute',
      insetInlineStart: '4px',
      top: '3px',
      bottom: '3px',
      width: '1px',
      backgroundColor: tokens.colorNeutralStroke2,
    },
    ':hover::after': { backgroundColor: tokens.colorBrandStroke1, width: '2px' },
  },
});

interface Props {
  readonly columns: readonly ShownColumn[];
  readonly layout: Layout;
  readonly onLayout: (next: Layout) => void;
  /** Of all columns, px. */
  readonly width: number;
}

export function TableHeader({ columns, layout, onLayout, width }: Props) {
  const styles = useStyles();
  return (
    <div role="rowgroup" className={styles.head} style={{ minWidth: `${width}px` }}>
      <div role="row" aria-rowindex={1} style={{ display: 'flex', width: '100%' }}>
        {columns.map((column) => (
          <ColumnHeader key={column.key} column={column} layout={layout} onLayout={onLayout} />
        ))}
      </div>
    </div>
  );
}

interface ColumnProps extends Pick<Props, 'layout' | 'onLayout'> {
  readonly column: ShownColumn;
}

function ColumnHeader({ column: { key, width }, layout, onLayout }: ColumnProps) {
  const styles = useStyles();
  const { t } = useLocale();
  const drag = useDrag('horizontal', width, (next) =>
    onLayout({
      ...layout,
      sizes: { ...layout.sizes, [key]: Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, next))) },
    }),
  );
  const sorted = layout.sort === key;
  return (
    <div
      role="columnheader"
      aria-sort={sorted ? (layout.descending ? 'descending' : 'ascending') : 'none'}
      className={mergeClasses(styles.cell, key === FLEXIBLE && styles.flexible)}
      style={{ width: `${width}px` }}
    >
      <button
        type="button"
        className={mergeClasses(styles.button, sorted && styles.sorted, isRightAligned(key) && styles.right)}
        onClick={() => onLayout({ ...layout, sort: key, descending: sorted ? !layout.descending : key === 'age' })}
      >
        {t(`column.${key}`)}
        {sorted && (layout.descending ? <ArrowSortDown16Regular /> : <ArrowSortUp16Regular />)}
      </button>
      <div className={styles.grip} aria-hidden {...drag} />
    </div>
  );
}
