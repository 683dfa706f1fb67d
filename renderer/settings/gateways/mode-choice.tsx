/** The five modes, in the words of the manual, each with what it means. */
import { Checkbox, makeStyles, Radio, RadioGroup, tokens } from '@fluentui/react-components';
import { MODES, type GatewayMode } from '../../../shared/settings.ts';
import { ListSetting } from '../fields.tsx';
import { useSetting } from '../use-setting.ts';
import { useLocale } from '../../i18n/locale.tsx';

const useStyles = makeStyles({
  label: { display: 'flex', flexDirection: 'column' },
  meaning: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  more: { marginInlineStart: '36px', marginBlock: '2px 10px', display: 'flex', flexDirection: 'column' },
});

const KINDS = ['lan', 'dns', 'smtp'] as const;

function ErrorKind({ kind }: { readonly kind: (typeof KINDS)[number] }) {
  const styles = useStyles();
  const { t } = useLocale();
  const field = useSetting<boolean>(`gateways.onErrors.${kind}`);
  return (
    <Checkbox
      checked={field.value}
      onChange={(_, data) => field.set(data.checked === true)}
      label={
        <span className={styles.label}>
          <span>{t(`onErrors.${kind}`)}</span>
          <span className={styles.meaning}>{t(`onErrors.${kind}Help`)}</span>
        </span>
      }
    />
  );
}

export function ModeChoice() {
  const styles = useStyles();
  const { t } = useLocale();
  const mode = useSetting<GatewayMode>('gateways.mode');
  return (
    <RadioGroup
      value={mode.value}
      onChange={(_, data) => mode.set(data.value as GatewayMode)}
      aria-label={t('gateways.when')}
    >
      {MODES.map((name) => (
        <div key={name}>
          <Radio
            value={name}
            label={
              <span className={styles.label}>
                <span>{t(`mode.${name}`)}</span>
                <span className={styles.meaning}>{t(`mode.${name}Help`)}</span>
              </span>
            }
          />
          {name === 'onError' && mode.value === 'onError' && (
            <div className={styles.more} role="group" aria-label={t('onErrors.title')}>
              {KINDS.map((kind) => (
                <ErrorKind key={kind} kind={kind} />
              ))}
            </div>
          )}
          {name === 'domains' && mode.value === 'domains' && (
            <div className={styles.more}>
              <ListSetting path="gateways.domains" placeholder="example.com" />
            </div>
          )}
        </div>
      ))}
    </RadioGroup>
  );
}
