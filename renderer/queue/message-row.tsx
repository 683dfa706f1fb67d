/** One row of the message table. Drawn anew only when something in it changes: live updates and scrolling draw many. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { memo, type MouseEvent } from 'react';
import { forcedColorsSelected } from '../components/forced-colors.ts';
import type { HoldReason, MessageRow as Row } from '../../shared/mail.ts';
import type { Format } from '../i18n/format.ts';
import { Cell, FLEXIBLE, isRightAligned, type ShownColumn } from './columns.tsx';
import type { Translate } from '../i18n/locale.tsx';

export const ROW_HEIGHT = 34;

const useStyles = makeStyles({
  row: {
    position: 'absolute',
    insetInlineStart: 0,
    display: 'flex',
    height: `${ROW_HEIGHT}px`,
    alignItems: 'center',
    boxSizing: 'border-box',
    fontSize: tokens.fontSizeBase300,
    color: tokens.colorNeutralForeground1,
    cursor: 'default',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':hover': { backgroundColor: tokens.colorSubtleBackgroundHover },
  },
  unseen: { fontWeight: tokens.fontWeightSemibold },
  selected: {
    backgroundColor: tokens.colorBrandBackground2,
    ':hover': { backgroundColor: tokens.colorBrandBackground2Hover },
    ...forcedColorsSelected,
  },
  cell: {
    flexShrink: 0,
    boxSizing: 'border-box',
    paddingInline: '10px',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  },
  flexible: { flexGrow: 1, flexShrink: 1 },
  right: { textAlign: 'end', fontVariantNumeric: 'tabular-nums' },
});

interface Props {
  readonly index: number;
  /** Undefined: not loaded yet. */
  readonly row: Row | undefined;
  readonly chosen: boolean;
  readonly focused: boolean;
  /** The same array as long as nothing changes in it. */
  readonly shown: readonly ShownColumn[];
  /** Of all columns, px. */
  readonly width: number;
  readonly t: Translate;
  readonly format: Format;
  readonly now: number;
  readonly hold: HoldReason | null;
  readonly onPress: (event: MouseEvent, index: number) => void;
  readonly onOpen: () => void;
  readonly onEnter: (index: number) => void;
}

export const MessageRow = memo(function MessageRow(props: Props) {
  const { index, row, chosen, focused, shown, width, t, format, now, hold, onPress, onOpen, onEnter } = props;
  const styles = useStyles();
  const unseen = row?.seen === false && (row.folder === 'bad' || row.folder === 'bounced');
  return (
    <div
      id={`row-${index}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={chosen}
      className={mergeClasses(styles.row, unseen && styles.unseen, chosen && styles.selected, focused && 'focused-row')}
      style={{ transform: `translateY(${index * ROW_HEIGHT}px)`, width: '100%', minWidth: `${width}px` }}
      onMouseDown={(event) => onPress(event, index)}
      onDoubleClick={onOpen}
      onPointerEnter={() => onEnter(index)}
    >
      {shown.map((column) => (
        <div
          key={column.key}
          role="gridcell"
          className={mergeClasses(
            styles.cell,
            column.key === FLEXIBLE && styles.flexible,
            isRightAligned(column.key) && styles.right,
          )}
          style={{ width: `${column.width}px` }}
        >
          <Cell column={column.key} row={row} t={t} format={format} now={now} hold={hold} />
        </div>
      ))}
    </div>
  );
});
