/** The message as a person reads it: text first, HTML only in a frame without any rights, attachments to save. */
import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Spinner,
  Switch,
  Text,
  tokens,
} from '@fluentui/react-components';
import { Attach16Regular, Save16Regular } from '@fluentui/react-icons';
import { useMemo, useState } from 'react';
import type { EventName } from '../../shared/ipc-contract.ts';
import { drop, useBridge, useLive } from '../bridge.ts';
import { failureText } from '../i18n/failure.ts';
import { useLanguage, useSay } from '../i18n/i18n.ts';
import { useFormat } from '../i18n/locale.tsx';
import { useAttempt, useNotices } from '../notices.tsx';
import { safeDocument } from './safe-html.ts';

const useStyles = makeStyles({
  column: { display: 'flex', flexDirection: 'column', rowGap: '8px', minHeight: '100%' },
  text: {
    margin: 0,
    fontFamily: 'inherit',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    userSelect: 'text',
    lineHeight: tokens.lineHeightBase400,
  },
  frame: {
    flexGrow: 1,
    minHeight: '180px',
    width: '100%',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: '#fff',
  },
  attachments: { display: 'flex', flexWrap: 'wrap', gap: '6px', listStyleType: 'none', margin: 0, padding: 0 },
  attachment: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '6px',
    maxWidth: '320px',
    paddingInlineStart: '8px',
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
  },
  name: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  faint: { color: tokens.colorNeutralForeground3, whiteSpace: 'nowrap' },
});

const NEVER: readonly EventName[] = [];

export function PreviewTab({ id }: { readonly id: string }) {
  const styles = useStyles();
  const say = useSay();
  const language = useLanguage();
  const format = useFormat();
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  const [formatted, setFormatted] = useState(false);
  const { value: preview, failure } = useLive('queue.preview', { id }, NEVER);
  const html = preview?.html ?? null;
  const showHtml = html !== null && (formatted || preview?.text === null);
  const page = useMemo(() => (showHtml ? safeDocument(html, 'postcast') : null), [showHtml, html]);

  if (failure !== null) {
    return (
      <MessageBar intent="warning">
        <MessageBarBody>{failureText(failure, say, language)}</MessageBarBody>
      </MessageBar>
    );
  }
  if (preview === null) return <Spinner size="tiny" label={say('common.loading')} />;
  return (
    <div className={styles.column}>
      {preview.attachments.length > 0 && (
        <ul className={styles.attachments} aria-label={say('preview.attachments')}>
          {preview.attachments.map((file) => (
            <li key={file.index} className={styles.attachment} title={`${file.name} (${file.type})`}>
              <Attach16Regular aria-hidden />
              <span className={styles.name}>{file.name === '' ? say('preview.unnamed') : file.name}</span>
              <span className={styles.faint}>{format.size(file.size)}</span>
              <Button
                size="small"
                appearance="subtle"
                icon={<Save16Regular />}
                aria-label={say('preview.save', { name: file.name })}
                onClick={() =>
                  drop(
                    attempt(
                      say('action.saveFailed'),
                      bridge.call('app.saveAttachment', { id, index: file.index }),
                    ).then((done) => {
                      if (done?.saved === true) notices.done(say('action.saved'));
                    }),
                  )
                }
              />
            </li>
          ))}
        </ul>
      )}
      {html !== null && preview.text !== null && (
        <Switch
          label={say('preview.formatted')}
          checked={formatted}
          onChange={(_, data) => setFormatted(data.checked)}
        />
      )}
      {page !== null ? (
        <iframe
          className={styles.frame}
          title={say('details.message')}
          sandbox=""
          referrerPolicy="no-referrer"
          srcDoc={page}
        />
      ) : (
        <pre className={styles.text}>
          {preview.text === null || preview.text.trim() === '' ? say('preview.empty') : preview.text}
        </pre>
      )}
      {preview.truncated && <Text className={styles.faint}>{say('preview.truncated')}</Text>}
    </div>
  );
}
