/** Tabs without the library's focus guards, which a screen reader would read: one tab stop, arrow keys move. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { useRef, type KeyboardEvent } from 'react';

const useStyles = makeStyles({
  list: { display: 'flex', columnGap: '4px', flexShrink: 0, overflowX: 'auto', overflowY: 'hidden' },
  tab: {
    position: 'relative',
    border: 'none',
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    fontFamily: 'inherit',
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    padding: '6px 10px',
    whiteSpace: 'nowrap',
    cursor: 'pointer',
    borderRadius: tokens.borderRadiusMedium,
    ':hover': { color: tokens.colorNeutralForeground1, backgroundColor: tokens.colorSubtleBackgroundHover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  here: {
    color: tokens.colorNeutralForeground1,
    fontWeight: tokens.fontWeightSemibold,
    '::after': {
      content: '""',
      position: 'absolute',
      insetInline: '10px',
      bottom: 0,
      height: '2px',
      borderRadius: '1px',
      backgroundColor: tokens.colorCompoundBrandStroke,
      '@media (forced-colors: active)': { backgroundColor: 'Highlight' },
    },
  },
});

interface Props<T extends string> {
  /** Accessible name of the row of tabs. */
  readonly label: string;
  readonly tabs: readonly { readonly value: T; readonly label: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  /** Id of the panel; the tab that is chosen gets `${panel}-tab`. */
  readonly panel: string;
  readonly className?: string;
}

export function Tabs<T extends string>({ label, tabs, value, onChange, panel, className }: Props<T>) {
  const styles = useStyles();
  const row = useRef<HTMLDivElement>(null);
  const press = (event: KeyboardEvent) => {
    const here = tabs.findIndex((tab) => tab.value === value);
    const places: Readonly<Record<string, number>> = {
      ArrowRight: (here + 1) % tabs.length,
      ArrowLeft: (here + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1,
    };
    const at = places[event.key];
    const next = at === undefined ? undefined : tabs[at];
    if (at === undefined || next === undefined) return;
    event.preventDefault();
    onChange(next.value);
    (row.current?.children[at] as HTMLElement | undefined)?.focus();
  };
  return (
    <div ref={row} role="tablist" aria-label={label} className={mergeClasses(styles.list, className)} onKeyDown={press}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          role="tab"
          id={tab.value === value ? `${panel}-tab` : undefined}
          aria-selected={tab.value === value}
          aria-controls={panel}
          tabIndex={tab.value === value ? 0 : -1}
          className={mergeClasses(styles.tab, tab.value === value && styles.here)}
          onClick={() => onChange(tab.value)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
