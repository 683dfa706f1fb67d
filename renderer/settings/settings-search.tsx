/** Search across all settings: typed at the side, found ones below, Enter or a click leads to the field. */
import { makeStyles, SearchBox, tokens } from '@fluentui/react-components';
import { useMemo, useRef, type KeyboardEvent, type RefObject } from 'react';
import { findSettings, searchEntries } from './search-index.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  box: { width: '100%', maxWidth: '100%', marginBottom: '8px', backgroundColor: tokens.colorNeutralBackground1 },
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', rowGap: '2px' },
  hit: {
    display: 'block',
    padding: '6px 10px',
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground1,
    textDecorationLine: 'none',
    overflowWrap: 'break-word',
    cursor: 'default',
    ':hover': { backgroundColor: tokens.colorNeutralBackground3Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  page: { display: 'block', color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
  count: { padding: '2px 10px 6px', color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

interface Props {
  readonly typed: string;
  readonly onTyped: (typed: string) => void;
  readonly input: RefObject<HTMLInputElement | null>;
}

/** `#/settings/PAGE/SETTING`, read by the window. */
function settingAddress(page: string, setting: string): string {
  return `#/settings/${page}/${encodeURIComponent(setting)}`;
}

export function SettingsSearch({ typed, onTyped, input }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const list = useRef<HTMLUListElement>(null);
  const entries = useMemo(() => searchEntries(t), [t]);
  const found = useMemo(() => findSettings(entries, typed), [entries, typed]);
  const active = typed.trim() !== '';
  const links = () => [...(list.current?.querySelectorAll('a') ?? [])];
  const move = (event: KeyboardEvent) => {
    const all = links();
    const here = all.findIndex((link) => link === document.activeElement);
    if (event.key === 'ArrowDown') all[here + 1]?.focus();
    else if (event.key === 'ArrowUp') (here <= 0 ? input.current : all[here - 1])?.focus();
    else if (event.key === 'Escape') {
      onTyped('');
      input.current?.focus();
    } else return;
    event.preventDefault();
  };
  return (
    <search onKeyDown={move}>
      <SearchBox
        input={{ ref: input }}
        className={styles.box}
        aria-label={t('settings.search')}
        placeholder={t('settings.search')}
        value={typed}
        onChange={(_, data) => onTyped(data.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') links()[0]?.click();
        }}
      />
      <div role="status" className={active ? styles.count : undefined}>
        {active && (found.length === 0 ? t('settings.foundNone') : t('settings.found', { count: found.length }))}
      </div>
      {found.length > 0 && (
        <ul ref={list} className={styles.list}>
          {found.slice(0, 40).map((entry) => (
            <li key={`${entry.setting} ${entry.label}`}>
              <a className={styles.hit} href={settingAddress(entry.page, entry.setting)} draggable={false}>
                {entry.label}
                <span className={styles.page}>{t(`settings.page.${entry.page as 'server'}`)}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}
