/** Third step: the values for the mail program, and a test message. */
import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody, Text, tokens } from '@fluentui/react-components';
import { Copy20Regular, MailArrowUp20Regular } from '@fluentui/react-icons';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { isEmailAddress } from '../../shared/syntax.ts';
import { fireAndForget } from '../bridge.ts';
import { CopyValues, useCopy } from '../components/copy-value.tsx';
import { validationProps } from '../components/validation-props.ts';
import { Tabs } from '../components/tabs.tsx';
import { useCommand } from '../notices.tsx';
import { useSettingsStore } from '../settings-store.tsx';
import { useStatus } from '../status.ts';
import { linesFor, MAIL_PROGRAMS, submissionOf, type MailProgram, type Submission } from './mail-programs.ts';
import { StepFrame } from './step-frame.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  panel: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: '10px',
    borderRadius: tokens.borderRadiusMedium,
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: '4px' },
  },
  faint: { color: tokens.colorNeutralForeground3 },
  lines: { position: 'relative' },
  code: {
    margin: 0,
    padding: '9px 43px 9px 11px',
    // Visible where the system forces its colours.
    border: '1px solid transparent',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    backgroundColor: tokens.colorNeutralBackground3,
    borderRadius: tokens.borderRadiusMedium,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    userSelect: 'text',
  },
  copy: { position: 'absolute', top: '4px', right: '4px' },
  test: {
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr) auto',
    columnGap: '8px',
    alignItems: 'start',
    '& .fui-Input': { width: '100%', minWidth: 0 },
    '& .fui-Input__input': { minWidth: 0 },
  },
  send: { marginTop: '26px', whiteSpace: 'nowrap' },
});

/** What became of the test message, as it happens. */
function TestMessageStatus({ id, onStatus }: { readonly id: string; readonly onStatus: () => void }) {
  const { t, phraseText } = useLocale();
  const recipient = useAnswer('queue.show', { id }).value?.recipients[0];
  const told = useEffectEvent(onStatus);
  const state = recipient?.state;
  useEffect(() => {
    if (state !== undefined) told();
  }, [state]);
  if (recipient === undefined) return null;
  const why = recipient.why.map(phraseText).join(' ');
  switch (recipient.state) {
    case 'queued':
      return t('welcome.testQueued');
    case 'attempting':
      return t('welcome.testSending');
    case 'delivered':
      return t('welcome.testDelivered');
    case 'relayed':
      return t('welcome.testRelayed');
    case 'deferred':
    case 'held':
      return t('welcome.testWaiting', { why });
    case 'bad':
    case 'bounced':
    case 'replaced':
      return t('welcome.testLost', { why });
  }
}

function TestMessage({ address }: { readonly address: string }) {
  const styles = useStyles();
  const { t, language } = useLocale();
  const command = useCommand();
  const [from, setFrom] = useState(address);
  const [to, setTo] = useState(address);
  const [busy, setBusy] = useState(false);
  const [sent, setSent] = useState<string | null>(null);
  const statusRef = useRef<HTMLSpanElement>(null);
  const wrong = (value: string) =>
    validationProps(value === '' || isEmailAddress(value.trim()) ? undefined : t('welcome.addressWrong'));
  const ready = isEmailAddress(from.trim()) && isEmailAddress(to.trim());
  const send = async () => {
    setBusy(true);
    const done = await command(
      'queue.submitTest',
      { from: from.trim(), to: to.trim(), language },
      t('welcome.testFailed'),
    );
    setBusy(false);
    if (done !== null) setSent(done.id);
  };
  return (
    <section aria-labelledby="test-title" className={styles.panel}>
      <Text as="h3" id="test-title" weight="semibold" style={{ margin: 0 }}>
        {t('welcome.testTitle')}
      </Text>
      <form
        noValidate
        className={styles.test}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !busy) fireAndForget(send());
        }}
      >
        <Field label={t('welcome.from')} hint={t('welcome.fromHelp')} {...wrong(from)}>
          <Input value={from} spellCheck={false} onChange={(_, data) => setFrom(data.value)} />
        </Field>
        <Field label={t('welcome.to')} hint={t('welcome.toHelp')} {...wrong(to)}>
          <Input value={to} spellCheck={false} onChange={(_, data) => setTo(data.value)} />
        </Field>
        <Button
          className={styles.send}
          type="submit"
          icon={<MailArrowUp20Regular />}
          disabled={!ready}
          disabledFocusable={busy}
        >
          {t('welcome.sendTest')}
        </Button>
      </form>
      <span ref={statusRef} role="status" aria-live="polite">
        {sent !== null && (
          // In a small window it is below what is visible.
          <TestMessageStatus
            key={sent}
            id={sent}
            onStatus={() => statusRef.current?.scrollIntoView({ block: 'nearest' })}
          />
        )}
      </span>
    </section>
  );
}

interface Props {
  readonly address: string;
  readonly onBack: () => void;
  readonly onFinish: () => void;
}

export function ProgramStep({ address, onBack, onFinish }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const copy = useCopy();
  const { settings } = useSettingsStore();
  const listener = useStatus()?.listener;
  const [program, setProgram] = useState<MailProgram>('thunderbird');
  if (settings === null) return null;
  const to = submissionOf(settings, listener?.kind === 'listening' ? listener.port : undefined);
  const lines = linesFor(program, to, address);
  return (
    <StepFrame
      title={t('welcome.programTitle')}
      help={t('welcome.programHelp')}
      left={<Button onClick={onBack}>{t('common.back')}</Button>}
      right={
        <Button appearance="primary" onClick={onFinish}>
          {t('welcome.finish')}
        </Button>
      }
    >
      {listener?.kind === 'failed' && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{t('welcome.notListening')}</MessageBarBody>
        </MessageBar>
      )}
      <Tabs
        label={t('welcome.program')}
        panel="program-panel"
        value={program}
        onChange={setProgram}
        tabs={MAIL_PROGRAMS.map((value) => ({
          value,
          label:
            value === 'other'
              ? t('welcome.other')
              : {
                  thunderbird: 'Thunderbird',
                  apple: 'Apple Mail',
                  outlook: 'Outlook',
                  msmtp: 'msmtp',
                  git: 'git send-email',
                }[value],
        }))}
      />
      <div id="program-panel" role="tabpanel" aria-labelledby="program-panel-tab" tabIndex={0} className={styles.panel}>
        <span className={styles.faint}>{t(`welcome.where.${program}`)}</span>
        {lines === null ? (
          <SubmissionValues to={to} />
        ) : (
          <div className={styles.lines}>
            <pre className={styles.code}>{lines}</pre>
            <Button
              className={styles.copy}
              appearance="subtle"
              icon={<Copy20Regular />}
              aria-label={t('common.copyOf', { name: t('welcome.lines') })}
              title={t('common.copy')}
              onClick={() => copy(lines)}
            />
          </div>
        )}
      </div>
      <TestMessage address={address} />
    </StepFrame>
  );
}

/** What a mail program with a form is told. */
function SubmissionValues({ to }: { readonly to: Submission }) {
  const { t } = useLocale();
  return (
    <CopyValues
      values={[
        { name: t('welcome.server'), value: to.host, copy: true },
        { name: t('welcome.port'), value: String(to.port), copy: true },
        {
          name: t('welcome.connection'),
          value: t(to.starttls ? 'welcome.starttls' : 'welcome.none'),
          copy: false,
        },
        {
          name: t('welcome.signIn'),
          value: t(to.signIn ? 'welcome.account' : 'welcome.noSignIn'),
          copy: false,
        },
      ]}
    />
  );
}
