/** Asked before messages are deleted for good: nothing brings them back. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from '@fluentui/react-components';
import { useSay } from '../i18n/i18n.ts';

interface Props {
  readonly count: number;
  readonly onAnswer: (agreed: boolean) => void;
}

export function ConfirmDelete({ count, onAnswer }: Props) {
  const say = useSay();
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && onAnswer(false)}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{say('action.deleteForGoodTitle')}</DialogTitle>
          <DialogContent>{say('action.deleteForGoodWords', { count })}</DialogContent>
          <DialogActions>
            <Button onClick={() => onAnswer(true)}>{say('action.deleteForGood')}</Button>
            <Button appearance="primary" onClick={() => onAnswer(false)}>
              {say('common.cancel')}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
