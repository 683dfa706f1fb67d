/** Five steps side by side: one click sets the priority. A radio group to a screen reader. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { useRef, type KeyboardEvent } from 'react';
import { PRIORITIES, type Priority } from '../../../shared/settings.ts';
import { forcedColorsSelected } from '../../components/forced-colors.ts';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  group: {
    display: 'inline-flex',
    flexShrink: 0,
    padding: '1px',
    // Visible where the system forces its colours.
    border: '1px solid transparent',
    columnGap: '1px',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground4,
  },
  step: {
    border: 'none',
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    fontFamily: 'inherit',
    fontSize: tokens.fontSizeBase200,
    lineHeight: '22px',
    paddingInline: '8px',
    '@media (max-width: 1060px)': { paddingInline: '6px' },
    borderRadius: '3px',
    whiteSpace: 'nowrap',
    cursor: 'pointer',
    // As wide as the bold text, chosen or not: a click does not move its neighbours.
    '::after': {
      content: 'attr(data-words)',
      display: 'block',
      height: 0,
      overflow: 'hidden',
      visibility: 'hidden',
      fontWeight: tokens.fontWeightSemibold,
    },
    ':hover': { backgroundColor: tokens.colorNeutralBackground1Hover, color: tokens.colorNeutralForeground1 },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  here: {
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorBrandForeground1,
    fontWeight: tokens.fontWeightSemibold,
    boxShadow: tokens.shadow2,
    ...forcedColorsSelected,
  },
});

interface Props {
  /** Name of the gateway, for the group's label. */
  readonly name: string;
  readonly value: Priority;
  readonly onChange: (next: Priority) => void;
}

export function PriorityControl({ name, value, onChange }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const group = useRef<HTMLDivElement>(null);
  const press = (event: KeyboardEvent) => {
    if (event.altKey) return;
    const by =
      event.key === 'ArrowRight' || event.key === 'ArrowDown'
        ? 1
        : event.key === 'ArrowLeft' || event.key === 'ArrowUp'
          ? -1
          : 0;
    const at = PRIORITIES.indexOf(value) + by;
    const next = PRIORITIES[at];
    if (by === 0 || next === undefined) return;
    event.preventDefault();
    onChange(next);
    (group.current?.children[at] as HTMLElement | undefined)?.focus();
  };
  return (
    <div
      ref={group}
      className={styles.group}
      role="radiogroup"
      aria-label={t('gateways.priorityOf', { name })}
      onKeyDown={press}
    >
      {PRIORITIES.map((priority) => (
        <button
          key={priority}
          type="button"
          role="radio"
          aria-checked={priority === value}
          data-words={t(`priority.${priority}`)}
          tabIndex={priority === value ? 0 : -1}
          className={mergeClasses(styles.step, priority === value && styles.here)}
          onClick={() => onChange(priority)}
        >
          {t(`priority.${priority}`)}
        </button>
      ))}
    </div>
  );
}
