/** No key store on this system: the user decides whether a password may be kept anyway. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from '@fluentui/react-components';
import { useSay } from '../../i18n/i18n.ts';

export function ConsentDialog({ onAnswer }: { readonly onAnswer: (agreed: boolean) => void }) {
  const say = useSay();
  return (
    <Dialog open modalType="alert">
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{say('consent.title')}</DialogTitle>
          <DialogContent>{say('consent.words')}</DialogContent>
          <DialogActions>
            <Button onClick={() => onAnswer(true)}>{say('consent.agree')}</Button>
            <Button appearance="primary" onClick={() => onAnswer(false)}>
              {say('consent.refuse')}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
