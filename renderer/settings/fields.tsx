/**
 * The fields that the settings pages are made of: label, short help, reason beside the field. What is
 * chosen is saved at once, what is typed when it is done (use-setting.ts).
 */
import {
  Button,
  Dropdown,
  Field,
  Input,
  makeStyles,
  mergeClasses,
  Option,
  Switch,
  Text,
  tokens,
} from '@fluentui/react-components';
import { Add20Regular, Dismiss16Regular } from '@fluentui/react-icons';
import { useId, useState, type ReactNode } from 'react';
import { validationProps } from '../components/validation-props.ts';
import { useLocale } from '../i18n/locale.tsx';
import { problemText } from './problem-text.ts';
import { asNumber, asNumbers, asText, issuesOf, useSetting, useSettings, useTypedSetting } from './use-setting.ts';

export const useFieldStyles = makeStyles({
  group: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: '16px',
    marginTop: '28px',
    ':first-of-type': { marginTop: '20px' },
  },
  title: { margin: 0 },
  help: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  switchRow: { display: 'flex', alignItems: 'flex-start', columnGap: '16px' },
  switchWords: { flexGrow: 1, minWidth: 0, display: 'flex', flexDirection: 'column' },
  narrow: { width: '140px' },
  medium: { maxWidth: '360px' },
  items: {
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    maxHeight: '220px',
    maxWidth: '460px',
    overflow: 'auto',
    ':empty': { display: 'none' },
  },
  item: {
    display: 'flex',
    alignItems: 'center',
    minHeight: '32px',
    paddingInline: '12px 4px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':last-child': { borderBottom: 'none' },
  },
  itemText: {
    flexGrow: 1,
    minWidth: 0,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    userSelect: 'text',
  },
  /** A button in line with the inputs of fields: below the height of their labels. */
  besideField: { marginTop: '26px', whiteSpace: 'nowrap', flexShrink: 0 },
  adder: { display: 'flex', columnGap: '8px', maxWidth: '460px' },
  listBox: { display: 'flex', flexDirection: 'column', rowGap: '8px' },
});

/** `setting.<path>.label` and `.help` of the catalogue. */
export function useWords(path: string): { readonly label: string; readonly help: string } {
  const { t } = useLocale();
  return {
    label: t(`setting.${path}.label` as 'setting.server.port.label'),
    help: t(`setting.${path}.help` as 'setting.server.port.help'),
  };
}

export function PageTitle({ title, help }: { readonly title: string; readonly help: string }) {
  return (
    <header>
      <Text as="h1" size={600} weight="semibold" style={{ margin: 0, display: 'block' }}>
        {title}
      </Text>
      <Text style={{ color: tokens.colorNeutralForeground3, display: 'block', marginTop: 4 }}>{help}</Text>
    </header>
  );
}

interface GroupProps {
  readonly title?: string;
  /** What the settings search leads to. */
  readonly anchor?: string;
  readonly children: ReactNode;
}

export function Group({ title, anchor, children }: GroupProps) {
  const styles = useFieldStyles();
  const id = useId();
  return (
    <section className={styles.group} data-setting={anchor} aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <Text as="h2" id={id} size={400} weight="semibold" className={styles.title}>
          {title}
        </Text>
      )}
      {children}
    </section>
  );
}

export function SwitchSetting({ path, disabled }: { readonly path: string; readonly disabled?: boolean }) {
  const styles = useFieldStyles();
  const field = useSetting<boolean>(path);
  const { label, help } = useWords(path);
  const id = useId();
  return (
    <div className={styles.switchRow} data-setting={path}>
      <label htmlFor={id} className={styles.switchWords}>
        <span>{label}</span>
        <span id={`${id}-help`} className={styles.help}>
          {field.problem ?? help}
        </span>
      </label>
      <Switch
        id={id}
        aria-describedby={`${id}-help`}
        disabled={disabled === true}
        checked={field.value}
        onChange={(_, data) => field.set(data.checked)}
      />
    </div>
  );
}

export function TextSetting({ path, placeholder }: { readonly path: string; readonly placeholder?: string }) {
  const styles = useFieldStyles();
  const field = useTypedSetting(path, asText);
  const { label, help } = useWords(path);
  return (
    <Field data-setting={path} label={label} hint={help} {...validationProps(field.problem)}>
      <Input className={styles.medium} {...field.input} placeholder={placeholder ?? ''} spellCheck={false} />
    </Field>
  );
}

interface NumberProps {
  readonly path: string;
  readonly unit?: string;
  /** The setting is this many times what is shown (octets shown as MB). */
  readonly factor?: number;
}

export function NumberSetting({ path, unit, factor = 1 }: NumberProps) {
  const styles = useFieldStyles();
  const field = useTypedSetting(path, asNumber(factor));
  const { label, help } = useWords(path);
  return (
    <Field data-setting={path} label={label} hint={help} {...validationProps(field.problem)}>
      <Input
        className={styles.narrow}
        inputMode="numeric"
        {...field.input}
        contentAfter={unit === undefined ? null : <span className={styles.help}>{unit}</span>}
      />
    </Field>
  );
}

/** Several numbers on one line, parted by commas or blanks: each can be edited in place. */
export function NumbersSetting({ path }: { readonly path: string }) {
  const styles = useFieldStyles();
  const field = useTypedSetting(path, asNumbers);
  const { label, help } = useWords(path);
  return (
    <Field data-setting={path} label={label} hint={help} {...validationProps(field.problem)}>
      <Input className={styles.medium} {...field.input} spellCheck={false} />
    </Field>
  );
}

interface ChoiceProps {
  readonly path: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
}

export function ChoiceSetting({ path, choices }: ChoiceProps) {
  const styles = useFieldStyles();
  const field = useSetting<string>(path);
  const { label, help } = useWords(path);
  return (
    <Field data-setting={path} label={label} hint={help} {...validationProps(field.problem)}>
      <Dropdown
        className={styles.medium}
        value={choices.find((choice) => choice.value === field.value)?.label ?? field.value}
        selectedOptions={[field.value]}
        onOptionSelect={(_, data) => data.optionValue !== undefined && field.set(data.optionValue)}
      >
        {choices.map((choice) => (
          <Option key={choice.value} value={choice.value}>
            {choice.label}
          </Option>
        ))}
      </Dropdown>
    </Field>
  );
}

interface ListProps<T> {
  readonly path: string;
  readonly placeholder?: string;
  readonly parse?: (text: string) => T;
  readonly format?: (item: T) => string;
  /** Several entries may be pasted at once, apart by commas, blanks or line ends. */
  readonly split?: RegExp;
}

/** A list of short entries: typed, checked as typed, added with Enter; several may be pasted. */
export function ListSetting<T extends string | number = string>({
  path,
  placeholder,
  parse,
  format,
  split = /[\s,;]+/,
}: ListProps<T>) {
  const styles = useFieldStyles();
  const { t, format: numbers } = useLocale();
  const settings = useSettings();
  const field = useSetting<readonly T[]>(path);
  const { label, help } = useWords(path);
  const [typed, setTyped] = useState('');
  const parts = typed
    .split(split)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const fresh = parts.map((part) => (parse === undefined ? (part as T) : parse(part)));
  const [issue] = fresh.length === 0 ? [] : issuesOf(settings, path, [...fresh]);
  const wrong = issue === undefined ? undefined : `${parts[Number(issue.path.at(-1))] ?? ''}: ${problemText(issue, t)}`;
  const add = () => {
    if (fresh.length === 0 || issue !== undefined) return;
    field.set([...field.value, ...fresh.filter((item, i) => !field.value.includes(item) && fresh.indexOf(item) === i)]);
    setTyped('');
  };
  const shown = field.value.slice(0, 500);
  return (
    <Field data-setting={path} label={label} hint={help} {...validationProps(wrong ?? field.problem)}>
      {(control) => (
        <div className={styles.listBox}>
          <div className={styles.adder}>
            <Input
              {...control}
              className={mergeClasses(styles.medium)}
              style={{ flexGrow: 1 }}
              value={typed}
              placeholder={placeholder ?? ''}
              spellCheck={false}
              onChange={(_, data) => setTyped(data.value)}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                add();
              }}
            />
            <Button icon={<Add20Regular />} disabled={fresh.length === 0 || issue !== undefined} onClick={add}>
              {t('common.add')}
            </Button>
          </div>
          <ul className={styles.items} aria-label={label}>
            {shown.map((item, i) => {
              const text = format === undefined ? String(item) : format(item);
              return (
                <li key={`${text}-${i}`} className={styles.item}>
                  <span className={styles.itemText} title={text}>
                    {text}
                  </span>
                  <Button
                    size="small"
                    appearance="subtle"
                    icon={<Dismiss16Regular />}
                    aria-label={t('common.removeItem', { item: text })}
                    onClick={() => field.set(field.value.filter((_, n) => n !== i))}
                  />
                </li>
              );
            })}
          </ul>
          {field.value.length > shown.length && (
            <span className={styles.help}>
              {t('common.andMoreItems', { number: numbers.number(field.value.length - shown.length) })}
            </span>
          )}
        </div>
      )}
    </Field>
  );
}
