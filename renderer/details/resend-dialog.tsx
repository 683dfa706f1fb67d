/** Edit recipients and send again: whom the copy replaces, and where it goes. */
import {
  Button,
  Checkbox,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Textarea,
  tokens,
} from '@fluentui/react-components';
import { useId, useState } from 'react';
import type { Failure } from '../../shared/result.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { validationProps } from '../components/validation-props.ts';
import { useReturnFocus } from '../components/use-return-focus.ts';
import { useNotices } from '../notices.tsx';
import { StateBadge } from '../queue/state-badge.tsx';
import {
  resendChoice,
  withTicked,
  withText,
  type Candidate,
  type ResendChoice,
  type ResendEdits,
} from './resend-choice.ts';
import { useLocale, type Translate } from '../i18n/locale.tsx';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  content: { display: 'flex', flexDirection: 'column', rowGap: '12px', overflowWrap: 'anywhere' },
  help: { margin: 0 },
  list: {
    listStyleType: 'none',
    margin: '4px 0 0',
    padding: '2px 0',
    maxHeight: '150px',
    overflow: 'auto',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
  },
  candidate: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) auto',
    columnGap: '12px',
    alignItems: 'center',
    paddingInlineEnd: '12px',
  },
  consequence: { margin: 0, color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

interface Props {
  readonly id: string;
  readonly onClose: () => void;
  /** The copy is on its way. */
  readonly onSent: () => void;
}

/** Names in a sentence: the first few. */
function named(addresses: readonly string[], t: Translate): { readonly names: string; readonly count: number } {
  const shown = addresses.slice(0, 3);
  const more = addresses.length - shown.length;
  const names = shown.join(', ');
  return { names: more > 0 ? t('queue.andMore', { names, count: more }) : names, count: addresses.length };
}

function ReplacedRecipients({
  candidates,
  onTick,
}: {
  readonly candidates: readonly Candidate[];
  readonly onTick: (candidate: Candidate, ticked: boolean) => void;
}) {
  const styles = useStyles();
  const { t } = useLocale();
  const label = useId();
  return (
    <div role="group" aria-labelledby={label}>
      <span id={label}>{t('resend.inPlaceOf')}</span>
      <ul className={styles.list}>
        {candidates.map((one) => (
          <li key={one.recipient.id} className={styles.candidate}>
            <Checkbox
              label={one.recipient.rcptTo}
              checked={one.ticked}
              // Being sent now: it can be deselected, but not selected before the server has answered.
              disabled={one.recipient.state === 'attempting' && !one.ticked}
              onChange={(_, data) => onTick(one, data.checked === true)}
            />
            <StateBadge state={one.recipient.state} mayHaveArrived={one.recipient.mayHaveArrived} hold={null} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What happens to the old message. */
function consequence(choice: ResendChoice, t: Translate): string {
  if (choice.emptied) return t('resend.emptied');
  return choice.left > 0 ? t('resend.left', { count: choice.left }) : t('resend.stays');
}

/** What is wrong with the box of recipients, if anything. */
function problemOf({ good, wrong }: ResendChoice, touched: boolean, t: Translate): string | undefined {
  if (wrong[0] !== undefined) return t('resend.wrong', { address: wrong[0] });
  return good.length === 0 && touched ? t('resend.none') : undefined;
}

export function ResendDialog({ id, onClose, onSent }: Props) {
  const styles = useStyles();
  const { t, failureText } = useLocale();
  const bridge = useBridge();
  const notices = useNotices();
  useReturnFocus();
  const { value: details, reload } = useAnswer('queue.show', { id });
  const [touched, setTouched] = useState<ResendEdits | null>(null);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Failure | null>(null);
  const choice = resendChoice(details?.recipients ?? null, touched);
  const { candidates, text, good, wrong, inFlight } = choice;
  const problem = problemOf(choice, touched !== null, t);
  const ready = wrong.length === 0 && good.length > 0 && inFlight.length === 0 && !busy && details !== null;

  const touch = (next: ResendEdits) => {
    setRefused(null);
    setTouched(next);
  };
  const send = async () => {
    setBusy(true);
    const done = await bridge.call('queue.resend', { id, replaces: [...choice.replaces], recipients: [...good] });
    setBusy(false);
    if (done.ok) {
      notices.done(t('resend.done', { count: good.length }));
      onClose();
      onSent();
    } else if (done.error.code === 'in-flight' || done.error.code === 'settled') {
      // It changed between the last update and the click: the list shows it now.
      setRefused(done.error);
      reload();
    } else notices.failed(t('resend.failed'), failureText(done.error));
  };
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) fireAndForget(send());
          }}
        >
          <DialogBody>
            <DialogTitle>{t('resend.title')}</DialogTitle>
            <DialogContent className={styles.content}>
              <p className={styles.help}>{t('resend.help')}</p>
              {candidates.length > 0 && (
                <ReplacedRecipients
                  candidates={candidates}
                  onTick={({ recipient }, ticked) => touch(withTicked(choice, recipient, ticked))}
                />
              )}
              <Field label={t('resend.recipients')} {...validationProps(problem)}>
                <Textarea
                  rows={5}
                  value={text}
                  resize="vertical"
                  spellCheck={false}
                  onChange={(_, data) => touch(withText(choice, data.value))}
                />
              </Field>
              <ResendNotes choice={choice} refused={refused} />
              {details !== null && good.length > 0 && (
                <p className={styles.consequence} aria-live="polite">
                  {consequence(choice, t)}
                </p>
              )}
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>{t('common.cancel')}</Button>
              <Button appearance="primary" type="submit" disabled={!ready}>
                {t('resend.send')}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

interface NotesProps {
  readonly choice: ResendChoice;
  /** Why the last try was refused. */
  readonly refused: Failure | null;
}

/** What has to be known before it is sent. */
function ResendNotes({ choice: { candidates, inFlight, twice }, refused }: NotesProps) {
  const { t, failureText } = useLocale();
  const waits = candidates.length > 0 && candidates.every(({ recipient }) => recipient.state === 'attempting');
  const waited = waits ? candidates.map(({ recipient }) => recipient.rcptTo) : inFlight;
  return (
    <>
      {waited.length > 0 && (
        <MessageBar intent="info" layout="multiline">
          <MessageBarBody>{t('resend.inFlight', named(waited, t))}</MessageBarBody>
        </MessageBar>
      )}
      {twice.length > 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{t('resend.twice', named(twice, t))}</MessageBarBody>
        </MessageBar>
      )}
      {refused !== null && waited.length === 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{failureText(refused)}</MessageBarBody>
        </MessageBar>
      )}
    </>
  );
}
