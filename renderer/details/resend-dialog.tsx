/** Edit recipients and send again: the addresses that failed, ready to be mended. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Textarea,
} from '@fluentui/react-components';
import { useState } from 'react';
import type { EventName } from '../../shared/ipc-contract.ts';
import type { MessageDetails } from '../../shared/mail.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import { drop, useBridge, useLive } from '../bridge.ts';
import { fault } from '../components/fault.ts';
import { useReturnFocus } from '../components/return-focus.ts';
import { useSay } from '../i18n/i18n.ts';
import { useAttempt, useNotices } from '../notices.tsx';

const NEVER: readonly EventName[] = [];

/** The addresses of a text, one a line (or separated by commas or semicolons), each once. */
export function addressesOf(text: string): { readonly good: readonly string[]; readonly wrong: readonly string[] } {
  const all = [
    ...new Set(
      text
        .split(/[\n,;]+/)
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ];
  return { good: all.filter(isEmailAddress), wrong: all.filter((part) => !isEmailAddress(part)) };
}

/** What stands in the box at first: those that failed, else those that wait, else all. */
function proposal(details: MessageDetails): string {
  const failed = details.recipients.filter((recipient) => recipient.state === 'bad' || recipient.state === 'bounced');
  return (failed.length > 0 ? failed : details.recipients).map((recipient) => recipient.rcptTo).join('\n');
}

interface Props {
  readonly id: string;
  readonly onClose: () => void;
  /** The old message has left its folder. */
  readonly onSent: () => void;
}

export function ResendDialog({ id, onClose, onSent }: Props) {
  const say = useSay();
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  useReturnFocus();
  const details = useLive('queue.show', { id }, NEVER).value;
  const [typed, setTyped] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const text = typed ?? (details === null ? '' : proposal(details));
  const { good, wrong } = addressesOf(text);
  const problem =
    wrong[0] !== undefined
      ? say('resend.wrong', { address: wrong[0] })
      : good.length === 0 && details !== null
        ? say('resend.none')
        : undefined;

  const send = async () => {
    setBusy(true);
    const done = await attempt(say('resend.failed'), bridge.call('queue.resend', { id, recipients: [...good] }));
    setBusy(false);
    if (done === null) return;
    notices.done(say('resend.done', { count: good.length }));
    onClose();
    onSent();
  };
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (problem === undefined && !busy) drop(send());
          }}
        >
          <DialogBody>
            <DialogTitle>{say('resend.title')}</DialogTitle>
            <DialogContent style={{ overflowWrap: 'anywhere' }}>
              <p style={{ marginTop: 0 }}>{say('resend.help')}</p>
              <Field label={say('resend.recipients')} {...fault(problem)}>
                <Textarea
                  rows={6}
                  value={text}
                  resize="vertical"
                  spellCheck={false}
                  onChange={(_, data) => setTyped(data.value)}
                />
              </Field>
            </DialogContent>
            <DialogActions>
              <Button onClick={onClose}>{say('common.cancel')}</Button>
              <Button appearance="primary" type="submit" disabled={problem !== undefined || busy || details === null}>
                {say('resend.send')}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
