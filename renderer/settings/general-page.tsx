import { Button, makeStyles } from '@fluentui/react-components';
import { ArrowDownload20Regular, ArrowUpload20Regular } from '@fluentui/react-icons';
import { fireAndForget } from '../bridge.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { problemText } from './problem-text.ts';
import { ChoiceSetting, Group, NumberSetting, PageTitle, SwitchSetting, useFieldStyles } from './fields.tsx';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({ buttons: { display: 'flex', columnGap: '8px' } });

function ImportExport() {
  const styles = useStyles();
  const fields = useFieldStyles();
  const { t } = useLocale();
  const command = useCommand();
  const notices = useNotices();
  const exportAll = async () => {
    const made = await command('settings.export', {}, t('transfer.exportFailed'));
    if (made === null) return;
    const done = await command(
      'app.saveText',
      { suggestedName: 'postcast-settings.json', text: made.json },
      t('transfer.exportFailed'),
    );
    if (done?.saved === true) notices.done(t('action.saved'));
  };
  const importAll = async () => {
    const opened = await command('app.openText', {}, t('transfer.importFailed'));
    if (typeof opened?.text !== 'string') return;
    const done = await command('settings.import', { json: opened.text }, t('transfer.importFailed'));
    if (done === null) return;
    if (done.saved) notices.done(t('transfer.imported'));
    else
      notices.failed(
        t('transfer.importFailed'),
        done.problems
          .slice(0, 3)
          .map((problem) => [problem.path, problemText(problem, t)].filter((part) => part !== '').join(': '))
          .join('; '),
      );
  };
  return (
    <>
      <span className={fields.help}>{t('transfer.help')}</span>
      <div className={styles.buttons}>
        <Button icon={<ArrowUpload20Regular />} onClick={() => fireAndForget(exportAll())}>
          {t('transfer.export')}
        </Button>
        <Button icon={<ArrowDownload20Regular />} onClick={() => fireAndForget(importAll())}>
          {t('transfer.import')}
        </Button>
      </div>
    </>
  );
}

function WelcomeAgain() {
  const fields = useFieldStyles();
  const { t } = useLocale();
  return (
    <>
      <span className={fields.help}>{t('welcome.againHelp')}</span>
      <div>
        <Button
          onClick={() => {
            window.location.hash = '#/welcome/settings';
          }}
        >
          {t('welcome.again')}
        </Button>
      </div>
    </>
  );
}

export function GeneralPage() {
  const { t } = useLocale();
  return (
    <>
      <PageTitle title={t('settings.page.general')} help={t('general.help')} />
      <Group title={t('general.looks')}>
        <ChoiceSetting
          path="general.theme"
          choices={(['system', 'light', 'dark'] as const).map((value) => ({
            value,
            label: t(`general.theme.${value}`),
          }))}
        />
        <ChoiceSetting
          path="general.language"
          choices={[
            { value: '', label: t('general.language.system') },
            { value: 'en', label: t('general.language.en') },
            { value: 'de', label: t('general.language.de') },
          ]}
        />
        <SwitchSetting path="general.notifications" />
      </Group>
      <Group title={t('general.starting')}>
        <SwitchSetting path="general.launchAtLogin" />
        <SwitchSetting path="general.startHidden" />
        <SwitchSetting path="general.closeToTray" />
      </Group>
      <Group title={t('general.keeping')}>
        <NumberSetting path="general.keepSent" unit={t('unit.days')} />
        <NumberSetting path="general.keepDeleted" unit={t('unit.days')} />
      </Group>
      <Group title={t('transfer.title')} anchor="transfer">
        <ImportExport />
      </Group>
      <Group title={t('welcome.againTitle')} anchor="welcome">
        <WelcomeAgain />
      </Group>
    </>
  );
}
