/** No key store on this system: the user decides whether a password, or a sign-in's tokens, may be kept anyway. */
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { useLocale } from '../../i18n/locale.tsx';

interface Props {
  readonly what: 'password' | 'signIn';
  readonly onAnswer: (agreed: boolean) => void;
}

export function ConsentDialog({ what, onAnswer }: Props) {
  const { t } = useLocale();
  return (
    <ConfirmDialog
      title={t(`consent.${what}.title`)}
      words={t(`consent.${what}.words`)}
      agree={t('consent.agree')}
      refuse={t('consent.refuse')}
      onAnswer={onAnswer}
    />
  );
}
