/** What a test of a gateway found, step by step, in words that can be copied. Stands in a live region of its user's. */
import { Button, makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { Checkmark16Filled, Copy16Regular, Dismiss16Filled, Subtract16Regular } from '@fluentui/react-icons';
import type { TestStep } from '../../../shared/ipc-contract.ts';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  box: {
    padding: '9px 11px',
    scrollMarginBlock: '12px',
    // Visible where the system forces its colours.
    border: '1px solid transparent',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
  },
  head: {
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    fontWeight: tokens.fontWeightSemibold,
  },
  list: { listStyleType: 'none', margin: '4px 0 0', padding: 0 },
  step: {
    display: 'grid',
    gridTemplateColumns: '20px 92px minmax(0, 1fr) auto',
    columnGap: '6px',
    paddingBlock: '3px',
    alignItems: 'baseline',
    userSelect: 'text',
    '& svg': { transform: 'translateY(3px)' },
  },
  good: { color: tokens.colorStatusSuccessForeground1 },
  error: { color: tokens.colorStatusDangerForeground1 },
  faint: { color: tokens.colorNeutralForeground3 },
  detail: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    overflowWrap: 'anywhere',
  },
});

interface Props {
  readonly ok: boolean;
  readonly steps: readonly TestStep[];
  readonly onCopy: (text: string) => void;
}

export function TestResult({ ok, steps, onCopy }: Props) {
  const styles = useStyles();
  const { t, phraseText, format } = useLocale();
  const title = t(ok ? 'test.ok' : 'test.failed');
  const text = [
    title,
    ...steps.map(
      (step) =>
        `${t(`test.${step.step}`)}: ${phraseText(step.phrase)}${step.detail === null ? '' : ` (${step.detail})`}`,
    ),
  ].join('\n');
  return (
    <div className={styles.box}>
      <div className={styles.head}>
        {title}
        <Button size="small" appearance="subtle" icon={<Copy16Regular />} onClick={() => onCopy(text)}>
          {t('common.copy')}
        </Button>
      </div>
      <ol className={styles.list}>
        {steps.map((step) => (
          <li key={step.step} className={styles.step}>
            <span
              className={mergeClasses(step.ok === true ? styles.good : step.ok === false ? styles.error : styles.faint)}
              aria-hidden
            >
              {step.ok === true ? (
                <Checkmark16Filled />
              ) : step.ok === false ? (
                <Dismiss16Filled />
              ) : (
                <Subtract16Regular />
              )}
            </span>
            <span>{t(`test.${step.step}`)}</span>
            <span className={mergeClasses(step.ok === null && styles.faint)}>
              {phraseText(step.phrase)}
              {step.detail !== null && <div className={styles.detail}>{step.detail}</div>}
            </span>
            <span className={styles.faint}>{step.ok === null || step.ms < 1 ? '' : format.duration(step.ms)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
