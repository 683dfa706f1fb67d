/** Messages above the table: the listener first, then the engine's problems. */
import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
} from '@fluentui/react-components';
import { Dismiss16Regular } from '@fluentui/react-icons';
import type { Problem } from '../../shared/status.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { useStatus } from '../status.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  bars: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: '4px',
    padding: '0 12px 8px',
    flexShrink: 0,
    ':empty': { display: 'none' },
  },
});

const needsDecision = (problem: Problem): boolean => problem.action !== undefined;

export function ProblemBars() {
  const styles = useStyles();
  const { t, phraseText } = useLocale();
  const bridge = useBridge();
  const command = useCommand();
  const notices = useNotices();
  const status = useStatus();
  if (status === null) return null;
  const { listener, problems } = status;
  // Three are shown; what the user has to decide is among them.
  const shown = [...problems.filter(needsDecision), ...problems.filter((one) => !needsDecision(one))].slice(0, 3);
  return (
    <section className={styles.bars} aria-label={t('queue.problems')}>
      {listener.kind === 'failed' && (
        <MessageBar intent="error">
          <MessageBarBody>
            <MessageBarTitle>{t('listener.failedTitle')}</MessageBarTitle>
            {t(`listener.${listener.reason}`, { port: listener.port, message: listener.message })}
          </MessageBarBody>
          {listener.suggestedPort !== null && (
            <MessageBarActions>
              <Button
                size="small"
                onClick={() => {
                  const port = listener.suggestedPort;
                  if (port === null) return;
                  fireAndForget(
                    command('server.usePort', { port }, t('listener.usePortFailed', { port })).then((done) => {
                      if (done !== null) notices.done(t('listener.nowOn', { port: done.port }));
                    }),
                  );
                }}
              >
                {t('listener.usePort', { port: listener.suggestedPort })}
              </Button>
            </MessageBarActions>
          )}
        </MessageBar>
      )}
      {shown.map((problem) => (
        <MessageBar
          key={problem.id}
          intent={problem.severity}
          politeness={problem.severity === 'error' ? 'assertive' : 'polite'}
        >
          <MessageBarBody>{phraseText(problem.phrase)}</MessageBarBody>
          {problem.action !== undefined && (
            <MessageBarActions>
              <Button size="small" onClick={() => fireAndForget(command('settings.goOn', {}, t('queue.goOnFailed')))}>
                {phraseText(problem.action)}
              </Button>
            </MessageBarActions>
          )}
          {problem.action === undefined && (
            <MessageBarActions
              containerAction={
                <Button
                  appearance="transparent"
                  aria-label={t('common.dismiss')}
                  icon={<Dismiss16Regular />}
                  onClick={() => fireAndForget(bridge.call('control.dismissProblem', { id: problem.id }))}
                />
              }
            />
          )}
        </MessageBar>
      ))}
    </section>
  );
}
