/** The line between table and details: drag, or arrow keys. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { useDrag } from './use-drag.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  line: {
    flexShrink: 0,
    height: '7px',
    marginBlock: '-3px',
    zIndex: 3,
    cursor: 'row-resize',
    touchAction: 'none',
    position: 'relative',
    '::after': {
      content: '""',
      position: 'absolute',
      insetInline: 0,
      top: '3px',
      // A border, not a filled box: it is also drawn where the system forces its colours.
      borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    },
    ':hover::after': { borderTopColor: tokens.colorBrandStroke1 },
    ':focus-visible': { outlineStyle: 'none' },
    ':focus-visible::after': {
      top: '2px',
      borderTop: `3px solid ${tokens.colorStrokeFocus2}`,
      '@media (forced-colors: active)': { borderTopColor: 'Highlight' },
    },
  },
});

interface Props {
  /** Height of what lies below, px. */
  readonly value: number;
  readonly min: number;
  readonly onChange: (next: number) => void;
}

export function Splitter({ value, min, onChange }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const max = Math.max(min, window.innerHeight - 320);
  const clamp = (next: number) => Math.round(Math.min(max, Math.max(min, next)));
  // It is what lies below that has the height: down makes it smaller.
  const drag = useDrag('vertical', -clamp(value), (next) => onChange(clamp(-next)));
  return (
    // A separator that can be moved is a widget (ARIA 1.2 separator, focusable).
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label={t('queue.splitter')}
      aria-valuenow={clamp(value)}
      aria-valuemin={min}
      aria-valuemax={max}
      className={styles.line}
      {...drag}
      onKeyDown={(event) => {
        const step = event.key === 'ArrowUp' ? 24 : event.key === 'ArrowDown' ? -24 : 0;
        if (step === 0) return;
        event.preventDefault();
        onChange(clamp(value + step));
      }}
    />
  );
}
