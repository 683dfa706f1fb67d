/** No key store on this system: the user decides whether a password, or a sign-in's tokens, may be kept anyway. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from '@fluentui/react-components';
import { useId } from 'react';
import { useSay } from '../../i18n/i18n.ts';

interface Props {
  readonly what: 'password' | 'signIn';
  readonly onAnswer: (agreed: boolean) => void;
}

export function ConsentDialog({ what, onAnswer }: Props) {
  const say = useSay();
  const words = useId();
  return (
    <Dialog open modalType="alert">
      <DialogSurface aria-describedby={words}>
        <DialogBody>
          <DialogTitle>{say(`consent.${what}.title`)}</DialogTitle>
          <DialogContent id={words}>{say(`consent.${what}.words`)}</DialogContent>
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
