/** No key store on this system: the user decides whether a password, or a sign-in's tokens, may be kept anyway. */
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { useSay } from '../../i18n/i18n.ts';

interface Props {
  readonly what: 'password' | 'signIn';
  readonly onAnswer: (agreed: boolean) => void;
}

export function ConsentDialog({ what, onAnswer }: Props) {
  const say = useSay();
  return (
    <ConfirmDialog
      title={say(`consent.${what}.title`)}
      words={say(`consent.${what}.words`)}
      agree={say('consent.agree')}
      refuse={say('consent.refuse')}
      onAnswer={onAnswer}
    />
  );
}
