import { Button, makeStyles } from '@fluentui/react-components';
import { ArrowDownload20Regular, ArrowUpload20Regular } from '@fluentui/react-icons';
import { drop, useBridge } from '../bridge.ts';
import { useSay } from '../i18n/i18n.ts';
import { useAttempt, useNotices } from '../notices.tsx';
import { problemText } from './problem-text.ts';
import { ChoiceSetting, Group, NumberSetting, PageTitle, SwitchSetting, useFieldStyles } from './fields.tsx';

const useStyles = makeStyles({ buttons: { display: 'flex', columnGap: '8px' } });

function ImportExport() {
  const styles = useStyles();
  const fields = useFieldStyles();
  const say = useSay();
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  const exportAll = async () => {
    const made = await attempt(say('transfer.exportFailed'), bridge.call('settings.export', {}));
    if (made === null) return;
    const done = await attempt(
      say('transfer.exportFailed'),
      bridge.call('app.saveText', { suggestedName: 'postcast-settings.json', text: made.json }),
    );
    if (done?.saved === true) notices.done(say('action.saved'));
  };
  const importAll = async () => {
    const opened = await attempt(say('transfer.importFailed'), bridge.call('app.openText', {}));
    if (typeof opened?.text !== 'string') return;
    const done = await attempt(say('transfer.importFailed'), bridge.call('settings.import', { json: opened.text }));
    if (done === null) return;
    if (done.saved) notices.done(say('transfer.imported'));
    else
      notices.failed(
        say('transfer.importFailed'),
        done.problems
          .slice(0, 3)
          .map((problem) => [problem.path, problemText(problem, say)].filter((part) => part !== '').join(': '))
          .join('; '),
      );
  };
  return (
    <>
      <span className={fields.help}>{say('transfer.help')}</span>
      <div className={styles.buttons}>
        <Button icon={<ArrowUpload20Regular />} onClick={() => drop(exportAll())}>
          {say('transfer.export')}
        </Button>
        <Button icon={<ArrowDownload20Regular />} onClick={() => drop(importAll())}>
          {say('transfer.import')}
        </Button>
      </div>
    </>
  );
}

function WelcomeAgain() {
  const fields = useFieldStyles();
  const say = useSay();
  return (
    <>
      <span className={fields.help}>{say('welcome.againHelp')}</span>
      <div>
        <Button
          onClick={() => {
            window.location.hash = '#/welcome/settings';
          }}
        >
          {say('welcome.again')}
        </Button>
      </div>
    </>
  );
}

export function GeneralPage() {
  const say = useSay();
  return (
    <>
      <PageTitle title={say('settings.page.general')} help={say('general.help')} />
      <Group title={say('general.looks')}>
        <ChoiceSetting
          path="general.theme"
          choices={(['system', 'light', 'dark'] as const).map((value) => ({
            value,
            label: say(`general.theme.${value}`),
          }))}
        />
        <ChoiceSetting
          path="general.language"
          choices={[
            { value: '', label: say('general.language.system') },
            { value: 'en', label: say('general.language.en') },
            { value: 'de', label: say('general.language.de') },
          ]}
        />
        <SwitchSetting path="general.notifications" />
      </Group>
      <Group title={say('general.starting')}>
        <SwitchSetting path="general.launchAtLogin" />
        <SwitchSetting path="general.startHidden" />
        <SwitchSetting path="general.closeToTray" />
      </Group>
      <Group title={say('general.keeping')}>
        <NumberSetting path="general.keepSent" unit={say('unit.days')} />
        <NumberSetting path="general.keepDeleted" unit={say('unit.days')} />
      </Group>
      <Group title={say('transfer.title')} anchor="transfer">
        <ImportExport />
      </Group>
      <Group title={say('welcome.againTitle')} anchor="welcome">
        <WelcomeAgain />
      </Group>
    </>
  );
}
