/** Column heads: click sorts, the edge resizes, a menu chooses columns. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { ArrowSortDown16Regular, ArrowSortUp16Regular } from '@fluentui/react-icons';
import type { Table } from '@tanstack/react-table';
import type { SortKey } from '../../shared/mail.ts';
import { FLEXIBLE, isRightAligned, type features, type Slot } from './columns.tsx';
import type { Layout } from './layout.ts';
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
  readonly table: Table<typeof features, Slot>;
  readonly layout: Layout;
  readonly onLayout: (next: Layout) => void;
  readonly width: number;
}

export function TableHeader({ table, layout, onLayout, width }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const [group] = table.getHeaderGroups();
  return (
    <div role="rowgroup" className={styles.head} style={{ minWidth: `${width}px` }}>
      <div role="row" aria-rowindex={1} style={{ display: 'flex', width: '100%' }}>
        {group?.headers.map((header) => {
          const key = header.column.id as SortKey;
          const sorted = layout.sort === key;
          const resize = header.getResizeHandler();
          return (
            <div
              key={key}
              role="columnheader"
              aria-sort={sorted ? (layout.descending ? 'descending' : 'ascending') : 'none'}
              className={mergeClasses(styles.cell, key === FLEXIBLE && styles.flexible)}
              style={{ width: `${header.getSize()}px` }}
            >
              <button
                type="button"
                className={mergeClasses(styles.button, sorted && styles.sorted, isRightAligned(key) && styles.right)}
                onClick={() =>
                  onLayout({ ...layout, sort: key, descending: sorted ? !layout.descending : key === 'age' })
                }
              >
                {t(`column.${key}`)}
                {sorted && (layout.descending ? <ArrowSortDown16Regular /> : <ArrowSortUp16Regular />)}
              </button>
              <div className={styles.grip} aria-hidden onMouseDown={resize} onTouchStart={resize} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
