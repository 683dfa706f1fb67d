/** The columns of the message table and what each cell shows. */
import { Skeleton, SkeletonItem } from '@fluentui/react-components';
import { SORT_KEYS, type HoldReason, type MessageRow, type SortKey } from '../../shared/mail.ts';
import type { Format } from '../i18n/format.ts';
import type { Layout } from './layout.ts';
import { StateBadge } from './state-badge.tsx';
import type { Translate } from '../i18n/locale.tsx';

/** A row of the table; its message may not be loaded yet. */
export interface TableRow {
  readonly index: number;
  readonly row: MessageRow | undefined;
}

/** Widths in px at first sight; subject takes what is left over. */
const WIDTHS: Readonly<Record<SortKey, number>> = {
  state: 174,
  from: 154,
  to: 176,
  subject: 140,
  size: 84,
  age: 96,
  next: 120,
  via: 106,
};
export const FLEXIBLE: SortKey = 'subject';
const RIGHT: ReadonlySet<string> = new Set<SortKey>(['size']);
export const isRightAligned = (column: string) => RIGHT.has(column);

export interface ShownColumn {
  readonly key: SortKey;
  /** px */
  readonly width: number;
}

/** The columns of a layout in their order. */
export function shownColumns({ hidden, sizes }: Layout): readonly ShownColumn[] {
  const shown = SORT_KEYS.filter((key) => !hidden.includes(key));
  return shown.map((key) => ({ key, width: sizes[key] ?? WIDTHS[key] }));
}

interface CellProps {
  readonly column: SortKey;
  readonly row: MessageRow | undefined;
  readonly t: Translate;
  readonly format: Format;
  readonly now: number;
  /** Why nothing is tried now, null = what is due is tried. */
  readonly hold: HoldReason | null;
}

/** One cell. Text only, so that a row costs little while scrolling. */
export function Cell({ column, row, t, format, now, hold }: CellProps) {
  if (row === undefined) {
    return (
      <Skeleton aria-hidden>
        <SkeletonItem size={12} style={{ width: '70%' }} />
      </Skeleton>
    );
  }
  switch (column) {
    case 'state':
      return (
        <StateBadge
          state={row.state}
          mayHaveArrived={row.mayHaveArrived}
          hold={row.folder === 'outbox' ? hold : null}
          deleted={row.folder === 'deleted'}
        />
      );
    case 'from':
      return row.mailFrom ?? t('queue.nullSender');
    case 'to': {
      const more = row.recipientCount - row.to.length;
      const names = row.to.join(', ');
      return more > 0 ? t('queue.andMore', { names, count: more }) : names;
    }
    case 'subject':
      return row.subject === '' ? t('queue.noSubject') : row.subject;
    case 'size':
      return format.size(row.size);
    case 'age':
      return <span title={format.moment(row.acceptedAt)}>{format.shortMoment(row.acceptedAt, now)}</span>;
    case 'next':
      if (row.nextAt === null) return null;
      return (
        <span title={format.moment(row.nextAt)}>
          {row.nextAt > now
            ? format.relative(row.nextAt, now)
            : t(hold === null ? 'queue.dueNow' : `queue.dueAfter.${hold}`)}
        </span>
      );
    case 'via':
      return row.via;
  }
}
