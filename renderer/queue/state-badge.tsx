/** A recipient's or message's state: a shape as well as a colour, and a word. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import {
  ArrowForward16Regular,
  ArrowSwap16Regular,
  ArrowSync16Regular,
  ArrowTurnUpLeft20Regular,
  CheckmarkCircle16Regular,
  Clock16Regular,
  ErrorCircle16Regular,
  Pause16Regular,
  QuestionCircle16Regular,
  Send16Regular,
} from '@fluentui/react-icons';
import type { ComponentType } from 'react';
import { isPending, type HoldReason, type RecipientState } from '../../shared/mail.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  badge: { display: 'flex', alignItems: 'center', columnGap: '6px', minWidth: 0, whiteSpace: 'nowrap' },
  icon: { flexShrink: 0, display: 'inline-flex', '& svg': { width: '16px', height: '16px' } },
  word: { overflow: 'hidden', textOverflow: 'ellipsis' },
  calm: { color: tokens.colorNeutralForeground3 },
  active: { color: tokens.colorBrandForeground1 },
  good: { color: tokens.colorStatusSuccessForeground1 },
  wait: { color: tokens.colorStatusWarningForeground1 },
  error: { color: tokens.colorStatusDangerForeground1 },
});

const LOOKS: Readonly<
  Record<RecipientState, { readonly icon: ComponentType; readonly tone: 'calm' | 'active' | 'good' | 'wait' | 'error' }>
> = {
  queued: { icon: Clock16Regular, tone: 'calm' },
  attempting: { icon: Send16Regular, tone: 'active' },
  deferred: { icon: ArrowSync16Regular, tone: 'wait' },
  held: { icon: Pause16Regular, tone: 'wait' },
  delivered: { icon: CheckmarkCircle16Regular, tone: 'good' },
  relayed: { icon: ArrowForward16Regular, tone: 'good' },
  bounced: { icon: ArrowTurnUpLeft20Regular, tone: 'error' },
  bad: { icon: ErrorCircle16Regular, tone: 'error' },
  replaced: { icon: ArrowSwap16Regular, tone: 'calm' },
};

const MAY_HAVE_ARRIVED = { icon: QuestionCircle16Regular, tone: 'wait' } as const;

function heldKey(hold: HoldReason | null, deleted: boolean): 'state.resting' | 'program.paused' | 'state.held' {
  if (deleted) return 'state.resting';
  return hold === 'paused' ? 'program.paused' : 'state.held';
}

interface Props {
  readonly state: RecipientState;
  /** Not delivered as far as is known, but it may have arrived: the text says so, the icon still shows what failed. */
  readonly mayHaveArrived: boolean;
  /** Why nothing is tried now; null = what is due is tried. */
  readonly hold: HoldReason | null;
  /** It lies in Deleted: what would wait for its turn is not sent. */
  readonly deleted?: boolean;
}

export function StateBadge({ state, mayHaveArrived, hold, deleted = false }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const waits = state === 'queued' || state === 'deferred' || state === 'held';
  const held = waits && (hold !== null || deleted);
  const doubted = mayHaveArrived && state !== 'attempting' && state !== 'replaced';
  const look = doubted && isPending(state) ? MAY_HAVE_ARRIVED : LOOKS[held ? 'held' : state];
  const Icon = look.icon;
  const word = held ? t(heldKey(hold, deleted)) : t(`state.${state}`);
  return (
    <span className={styles.badge} title={doubted ? `${word}: ${t('state.mayHaveArrived')}` : undefined}>
      <span className={mergeClasses(styles.icon, styles[look.tone])} aria-hidden>
        <Icon />
      </span>
      <span className={styles.word}>{doubted ? t('state.mayHaveArrived') : word}</span>
    </span>
  );
}
