import { Button, Field, Input, makeStyles, Select } from '@fluentui/react-components';
import { FolderOpen20Regular } from '@fluentui/react-icons';
import { fireAndForget } from '../bridge.ts';
import { validationProps } from '../components/validation-props.ts';
import { useCommand } from '../notices.tsx';
import { ChoiceSetting, Group, PageTitle, SwitchSetting, useWords } from './fields.tsx';
import { InvalidAddresses } from './invalid-addresses.tsx';
import { asNumber, useSetting, useSettings, useTypedSetting } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  row: { display: 'flex', columnGap: '8px', alignItems: 'flex-start' },
  value: { width: '110px' },
});

function UndeliverableAfter() {
  const styles = useStyles();
  const { t } = useLocale();
  const { label, help } = useWords('administration.undeliverableAfter');
  const value = useTypedSetting('administration.undeliverableAfter.value', asNumber());
  const unit = useSetting<string>('administration.undeliverableAfter.unit');
  return (
    <Field
      data-setting="administration.undeliverableAfter"
      label={label}
      hint={help}
      {...validationProps(value.problem)}
    >
      {(control) => (
        <div className={styles.row}>
          <Input {...control} className={styles.value} inputMode="numeric" {...value.input} />
          <Select aria-label={t('administration.unit')} value={unit.value} onChange={(_, data) => unit.set(data.value)}>
            {(['days', 'hours', 'attempts'] as const).map((name) => (
              <option key={name} value={name}>
                {t(`administration.${name}`)}
              </option>
            ))}
          </Select>
        </div>
      )}
    </Field>
  );
}

export function AdministrationPage() {
  const { t } = useLocale();
  const command = useCommand();
  const { administration } = useSettings();
  return (
    <>
      <PageTitle title={t('settings.page.administration')} help={t('administration.help')} />
      <Group title={t('administration.undeliverable')}>
        <UndeliverableAfter />
        <SwitchSetting path="administration.forceDelivery" />
        <SwitchSetting path="administration.returnUndeliverable" />
        <SwitchSetting path="administration.attachOriginal" disabled={!administration.returnUndeliverable} />
      </Group>
      <Group title={t('administration.logs')}>
        <ChoiceSetting
          path="administration.log"
          choices={(['off', 'single', 'daily'] as const).map((value) => ({
            value,
            label: t(`administration.log.${value}`),
          }))}
        />
        <div>
          <Button
            icon={<FolderOpen20Regular />}
            onClick={() => fireAndForget(command('app.openLogs', {}, t('administration.openFailed')))}
          >
            {t('administration.openLogs')}
          </Button>
        </div>
      </Group>
      <Group title={t('administration.invalid')} anchor="invalid">
        <InvalidAddresses />
      </Group>
    </>
  );
}
