/** What was tried, in time order: attempt by attempt, hop by hop. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import { ArrowSync12Regular, Checkmark12Regular, Dismiss12Regular, FastForward16Regular } from '@fluentui/react-icons';
import type { HopAttempt, RecipientView, TryOutcome } from '../../shared/mail.ts';
import { useLocale, type Translate } from '../i18n/locale.tsx';
import { replyText } from './reply-text.ts';

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: '6px 0 0', padding: 0 },
  heading: {
    margin: '10px 0 2px',
    fontSize: tokens.fontSizeBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3,
  },
  item: {
    position: 'relative',
    display: 'grid',
    gridTemplateColumns: '20px minmax(0, 1fr) auto',
    columnGap: '12px',
    paddingBottom: '12px',
    '::before': {
      content: '""',
      position: 'absolute',
      insetInlineStart: '9px',
      top: '22px',
      bottom: '-2px',
      width: '2px',
      backgroundColor: tokens.colorNeutralStroke3,
    },
    ':last-child::before': { display: 'none' },
  },
  dot: {
    width: '20px',
    height: '20px',
    borderRadius: '50%',
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    backgroundColor: tokens.colorNeutralBackground4,
    color: tokens.colorNeutralForeground3,
  },
  good: { backgroundColor: tokens.colorStatusSuccessBackground2, color: tokens.colorStatusSuccessForeground2 },
  wait: { backgroundColor: tokens.colorStatusWarningBackground2, color: tokens.colorStatusWarningForeground2 },
  error: { backgroundColor: tokens.colorStatusDangerBackground2, color: tokens.colorStatusDangerForeground2 },
  hop: { fontWeight: tokens.fontWeightSemibold, overflowWrap: 'anywhere', userSelect: 'text' },
  facts: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    overflowWrap: 'anywhere',
    userSelect: 'text',
  },
  words: {
    margin: '4px 0 0',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    userSelect: 'text',
  },
  when: {
    textAlign: 'end',
    whiteSpace: 'nowrap',
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: 'tabular-nums',
  },
  nothing: { color: tokens.colorNeutralForeground3 },
});

type Tone = 'good' | 'wait' | 'error' | 'skip';

function toneOf(step: HopAttempt): Tone {
  if (step.skipped === true) return 'skip';
  const kinds = new Set(step.outcomes.map((outcome) => outcome.verdict.kind));
  if (kinds.has('rejected')) return 'error';
  if (kinds.has('deferred') || kinds.size === 0) return 'wait';
  return 'good';
}

/** The different words of one step, each with the recipients that got them. */
function repliesOf(
  step: HopAttempt,
  recipients: readonly RecipientView[],
  t: Translate,
): { words: string; for: string | null }[] {
  const groups = new Map<string, TryOutcome[]>();
  for (const outcome of step.outcomes) {
    const { verdict } = outcome;
    const words =
      verdict.reply !== undefined
        ? replyText(verdict.reply)
        : (step.error ??
          (verdict.kind === 'deferred'
            ? t(`reason.${verdict.why}`)
            : verdict.kind === 'rejected'
              ? verdict.status
              : ''));
    groups.set(words, [...(groups.get(words) ?? []), outcome]);
  }
  if (groups.size === 0 && step.error !== undefined) return [{ words: step.error, for: null }];
  return [...groups].map(([words, outcomes]) => ({
    words,
    for:
      recipients.length > 1
        ? outcomes
            .map((outcome) => recipients.find((recipient) => recipient.id === outcome.recipient)?.rcptTo ?? '')
            .join(', ')
        : null,
  }));
}

export function Timeline({
  tries,
  recipients,
}: {
  readonly tries: readonly HopAttempt[];
  readonly recipients: readonly RecipientView[];
}) {
  const styles = useStyles();
  const { t, format } = useLocale();
  if (tries.length === 0) return <p className={styles.nothing}>{t('timeline.nothing')}</p>;
  const attempts = [...new Set(tries.map((step) => step.attempt))];
  return attempts.map((attempt) => (
    <section key={attempt}>
      <h3 className={styles.heading}>{t('timeline.attempt', { number: attempt })}</h3>
      <ol className={styles.list}>
        {tries
          .filter((step) => step.attempt === attempt)
          .map((step, i) => {
            const tone = toneOf(step);
            const { hop } = step;
            const name = hop.kind === 'gateway' ? (hop.gatewayName ?? hop.host) : hop.host;
            const facts = [
              t(`hop.${hop.kind}`),
              hop.kind === 'gateway' || hop.address !== undefined ? `${hop.address ?? hop.host}:${hop.port}` : null,
              step.network === null ? null : t('timeline.onNetwork', { network: step.network }),
              step.skipped === true
                ? null
                : step.tls === null
                  ? t('timeline.noTls')
                  : t(step.tls.verified ? 'timeline.tls' : 'timeline.tlsUnverified', { protocol: step.tls.protocol }),
            ].filter((fact) => fact !== null);
            return (
              <li key={i} className={styles.item}>
                <span className={mergeClasses(styles.dot, tone !== 'skip' && styles[tone])} aria-hidden>
                  {tone === 'good' ? (
                    <Checkmark12Regular />
                  ) : tone === 'error' ? (
                    <Dismiss12Regular />
                  ) : tone === 'wait' ? (
                    <ArrowSync12Regular />
                  ) : (
                    <FastForward16Regular />
                  )}
                </span>
                <div>
                  <div className={styles.hop}>{name}</div>
                  <div className={styles.facts}>{facts.join(' · ')}</div>
                  {step.skipped === true && <div className={styles.facts}>{t('timeline.skipped')}</div>}
                  {repliesOf(step, recipients, t).map((answer, n) => (
                    <div key={n}>
                      {answer.for !== null && <div className={styles.facts}>{answer.for}</div>}
                      {answer.words !== '' && <p className={styles.words}>{answer.words}</p>}
                    </div>
                  ))}
                </div>
                <div className={styles.when}>
                  <div title={format.moment(step.startedAt)}>{format.time(step.startedAt)}</div>
                  {step.skipped !== true && <div>{format.duration(step.endedAt - step.startedAt)}</div>}
                </div>
              </li>
            );
          })}
      </ol>
    </section>
  ));
}
