/** Everything about the one selected message. */
import {
  Button,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Text,
  tokens,
  Tooltip,
} from '@fluentui/react-components';
import {
  ArrowRepeatAll20Regular,
  ArrowUndo20Regular,
  Delete20Regular,
  MoreHorizontal20Regular,
  PersonEdit20Regular,
  Save20Regular,
  Server20Regular,
} from '@fluentui/react-icons';
import { useState } from 'react';
import { isFailed, isPending, type Folder, type MessageDetails } from '../../shared/mail.ts';
import { Tabs } from '../components/tabs.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { GatewayItems } from '../queue/message-menu.tsx';
import type { MessageActions } from '../queue/use-message-actions.ts';
import { useStatus } from '../status.ts';
import { PreviewTab } from './preview-tab.tsx';
import { RecipientList } from './recipient-list.tsx';
import { SourceTab } from './source-tab.tsx';
import { Timeline } from './timeline.tsx';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  pane: {
    flexGrow: 1,
    minWidth: 0,
    display: 'flex',
    flexDirection: 'column',
    outlineStyle: 'none',
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '-2px' },
  },
  nothing: {
    flexGrow: 1,
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    color: tokens.colorNeutralForeground3,
    padding: '16px',
    textAlign: 'center',
  },
  head: { display: 'flex', alignItems: 'flex-start', columnGap: '8px', padding: '12px 12px 4px 20px' },
  titles: { flexGrow: 1, minWidth: 0 },
  subject: { display: 'block', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', userSelect: 'text' },
  facts: {
    display: 'block',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    userSelect: 'text',
    marginTop: '2px',
  },
  tabs: { paddingInline: '10px', flexShrink: 0 },
  body: {
    flexGrow: 1,
    minHeight: 0,
    overflow: 'auto',
    padding: '4px 20px 16px',
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
  },
});

type TabName = 'recipients' | 'timeline' | 'message' | 'source';
const TABS: readonly TabName[] = ['recipients', 'timeline', 'message', 'source'];

interface Props {
  readonly id: string | null;
  readonly count: number;
  readonly folder: Folder;
  readonly actions: MessageActions;
  readonly onEdit: (id: string) => void;
}

export function MessagePane({ id, count, folder, actions, onEdit }: Props) {
  const styles = useStyles();
  const { t, failureText } = useLocale();
  const hold = useStatus()?.hold ?? null;
  const [tab, setTab] = useState<TabName>('recipients');
  const { value: details, failure } = useAnswer('queue.show', id === null ? null : { id });

  if (id === null) {
    return (
      <section className={styles.nothing} aria-label={t('details.title')}>
        {count > 1 ? t('queue.selected', { count }) : t('details.nothing')}
      </section>
    );
  }
  if (failure !== null && details === null) {
    return (
      <section className={styles.nothing} aria-label={t('details.title')} role="alert">
        {failureText(failure)}
      </section>
    );
  }
  if (details === null) return <section className={styles.nothing} aria-label={t('details.title')} aria-busy />;

  return (
    <section id="message-pane" tabIndex={-1} className={styles.pane} aria-label={t('details.title')}>
      <MessageHead details={details} folder={folder} actions={actions} onEdit={onEdit} />
      <Tabs
        label={t('details.title')}
        className={styles.tabs}
        panel="tab-panel"
        value={tab}
        onChange={setTab}
        tabs={TABS.map((value) => ({ value, label: t(`details.${value}`) }))}
      />
      <div id="tab-panel" role="tabpanel" tabIndex={0} aria-labelledby="tab-panel-tab" className={styles.body}>
        {tab === 'recipients' && (
          <RecipientList
            recipients={details.recipients}
            hold={folder === 'outbox' ? hold : null}
            deleted={details.folder === 'deleted'}
          />
        )}
        {tab === 'timeline' && <Timeline tries={details.timeline} recipients={details.recipients} />}
        {tab === 'message' && <PreviewTab id={id} />}
        {tab === 'source' && <SourceTab key={id} id={id} />}
      </div>
    </section>
  );
}

interface HeadProps {
  readonly details: MessageDetails;
  /** The folder that is shown. */
  readonly folder: Folder;
  readonly actions: MessageActions;
  readonly onEdit: (id: string) => void;
}

/** Subject, facts and what can be done with the message. */
function MessageHead({ details, folder, actions, onEdit }: HeadProps) {
  const styles = useStyles();
  const { t, format } = useLocale();
  const waits = details.recipients.some(({ state }) => isPending(state) && state !== 'attempting');
  const failed = details.recipients.some(({ state }) => isFailed(state));
  // From the Outbox those that wait, elsewhere those that failed.
  const retryable = details.folder === 'outbox' ? waits : failed;
  const origin = details.origin;
  const facts = [
    details.mailFrom ?? t('queue.nullSender'),
    format.moment(details.acceptedAt),
    format.size(details.size),
    origin.kind === 'smtp' ? t('origin.smtp', { client: origin.user ?? origin.client }) : t(`origin.${origin.kind}`),
  ];
  return (
    <div className={styles.head}>
      <div className={styles.titles}>
        <Text
          as="h2"
          weight="semibold"
          size={400}
          className={styles.subject}
          title={details.subject}
          style={{ margin: 0 }}
        >
          {details.subject === '' ? t('queue.noSubject') : details.subject}
        </Text>
        <span className={styles.facts} title={facts.join(' · ')}>
          {facts.join(' · ')}
        </span>
      </div>
      {folder === 'deleted' ? (
        <Button icon={<ArrowUndo20Regular />} onClick={actions.restore}>
          {t('action.restore')}
        </Button>
      ) : (
        retryable && (
          <Button icon={<ArrowRepeatAll20Regular />} onClick={() => actions.retry()}>
            {t(details.folder === 'outbox' ? 'action.sendThisNow' : 'action.retry')}
          </Button>
        )
      )}
      <Tooltip content={t('action.editAndResend')} relationship="label">
        <Button appearance="subtle" icon={<PersonEdit20Regular />} onClick={() => onEdit(details.id)} />
      </Tooltip>
      <MoreActions id={details.id} folder={folder} retryable={retryable} actions={actions} />
    </div>
  );
}

interface MoreProps extends Pick<HeadProps, 'folder' | 'actions'> {
  readonly id: string;
  readonly retryable: boolean;
}

function MoreActions({ id, folder, retryable, actions }: MoreProps) {
  const { t } = useLocale();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content={t('action.more')} relationship="label">
          <Button appearance="subtle" icon={<MoreHorizontal20Regular />} />
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {retryable && folder !== 'deleted' && (
            <Menu>
              <MenuTrigger disableButtonEnhancement>
                <MenuItem icon={<Server20Regular />}>{t('action.sendThrough')}</MenuItem>
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  <GatewayItems onChoose={actions.retry} />
                </MenuList>
              </MenuPopover>
            </Menu>
          )}
          <MenuItem icon={<Save20Regular />} onClick={() => actions.saveAs(id)}>
            {t('action.saveAs')}
          </MenuItem>
          <MenuItem icon={<Delete20Regular />} onClick={actions.remove}>
            {t(folder === 'deleted' ? 'action.deleteForGood' : 'action.delete')}
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
