/** A question that has to be answered: the safe answer has the focus, and Escape means the same. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from '@fluentui/react-components';
import { useEffect, useId, useRef } from 'react';
import { useReturnFocus } from './use-return-focus.ts';

interface Props {
  readonly title: string;
  /** What happens if the user agrees. */
  readonly words: string;
  readonly agree: string;
  readonly refuse: string;
  readonly onAnswer: (agreed: boolean) => void;
}

export function ConfirmDialog({ title, words, agree, refuse, onAnswer }: Props) {
  const id = useId();
  const safe = useRef<HTMLButtonElement>(null);
  useReturnFocus();
  // After the library's own effect, which focuses whatever comes first.
  useEffect(() => {
    safe.current?.focus();
  }, []);
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && onAnswer(false)}>
      <DialogSurface
        // Also over another dialog.
        backdrop={{ appearance: 'dimmed' }}
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-words`}
      >
        <DialogBody>
          <DialogTitle id={`${id}-title`}>{title}</DialogTitle>
          <DialogContent id={`${id}-words`}>{words}</DialogContent>
          <DialogActions fluid>
            <Button onClick={() => onAnswer(true)}>{agree}</Button>
            <Button
              ref={(button: HTMLButtonElement | null) => {
                safe.current = button;
              }}
              appearance="primary"
              onClick={() => onAnswer(false)}
            >
              {refuse}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
