/** What the settings search knows: every field by its label and help, and the groups that hold no plain field. */
import { MODES } from '../../shared/settings.ts';
import { en } from '../i18n/en.ts';
import type { Translate } from '../i18n/locale.tsx';

export interface SearchEntry {
  /** Where it is: the page and the `data-setting` on it. */
  readonly page: string;
  readonly setting: string;
  readonly label: string;
  readonly help: string;
}

const PAGE_OF: Readonly<Record<string, string>> = { dialUp: 'dial-up' };

/** Paths of all labelled settings in the catalogue: "server.tls.enabled". */
function pathsBelow(node: object, path: readonly string[] = []): readonly string[] {
  if ('label' in node && typeof node.label === 'string') return [path.join('.')];
  return Object.entries(node).flatMap(([key, inner]) => pathsBelow(inner as object, [...path, key]));
}
const PATHS = pathsBelow(en.setting);

/** Everything that can be found, in the window's language. */
export function searchEntries(t: Translate): readonly SearchEntry[] {
  const fields = PATHS.map((path) => {
    const section = path.split('.')[0] ?? '';
    return {
      page: PAGE_OF[section] ?? section,
      setting: path,
      label: t(`setting.${path}.label` as 'setting.server.port.label'),
      help: t(`setting.${path}.help` as 'setting.server.port.help'),
    };
  });
  const entry = (page: string, setting: string, label: string, help: string): SearchEntry => ({
    page,
    setting,
    label,
    help,
  });
  return [
    ...MODES.map((mode) => entry('gateways', 'gateways.mode', t(`mode.${mode}`), t(`mode.${mode}Help`))),
    entry('gateways', 'gateways.list', t('gateways.list'), `${t('gateways.help')} ${t('gateways.add')}`),
    ...fields,
    entry('administration', 'invalid', t('administration.invalid'), t('invalid.none')),
    entry('server', 'users', t('users.title'), t('users.help')),
    entry('security', 'secrets', t('security.secrets'), t('security.help')),
    entry('security', 'dkim', t('dkim.title'), t('dkim.help')),
    entry('general', 'transfer', t('transfer.title'), t('transfer.help')),
    entry('general', 'welcome', t('welcome.againTitle'), t('welcome.againHelp')),
    entry('networks', 'networks', t('settings.page.networks'), t('networks.help')),
  ];
}

const plain = (text: string) =>
  text
    .normalize('NFD')
    .replaceAll(/\p{Diacritic}/gu, '')
    .toLowerCase();

/** Entries that hold every word of `typed`; those with a word in the label first. */
export function findSettings(entries: readonly SearchEntry[], typed: string): readonly SearchEntry[] {
  const words = plain(typed)
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const hits = entries.filter((entry) => {
    const text = plain(`${entry.label} ${entry.help} ${entry.setting}`);
    return words.every((word) => text.includes(word));
  });
  const inLabel = (entry: SearchEntry) => words.some((word) => plain(entry.label).includes(word));
  return [...hits.filter(inLabel), ...hits.filter((entry) => !inLabel(entry))];
}
