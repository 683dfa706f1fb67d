/** The message as it reads: text first, HTML only in a frame without any rights, attachments to save. */
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
import { fireAndForget } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useCommand, useNotices } from '../notices.tsx';
import { safeDocument } from './safe-html.ts';
import { useAnswer } from '../server-cache.ts';

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

export function PreviewTab({ id }: { readonly id: string }) {
  const styles = useStyles();
  const { t, failureText, format } = useLocale();
  const command = useCommand();
  const notices = useNotices();
  const [formatted, setFormatted] = useState(false);
  const { value: preview, failure } = useAnswer('queue.preview', { id });
  const html = preview?.html ?? null;
  const showHtml = html !== null && (formatted || preview?.text === null);
  const page = useMemo(() => (showHtml ? safeDocument(html, 'postcast') : null), [showHtml, html]);

  if (failure !== null) {
    return (
      <MessageBar intent="warning">
        <MessageBarBody>{failureText(failure)}</MessageBarBody>
      </MessageBar>
    );
  }
  if (preview === null) return <Spinner size="tiny" label={t('common.loading')} />;
  return (
    <div className={styles.column}>
      {preview.attachments.length > 0 && (
        <ul className={styles.attachments} aria-label={t('preview.attachments')}>
          {preview.attachments.map((file) => (
            <li key={file.index} className={styles.attachment} title={`${file.name} (${file.type})`}>
              <Attach16Regular aria-hidden />
              <span className={styles.name}>{file.name === '' ? t('preview.unnamed') : file.name}</span>
              <span className={styles.faint}>{format.size(file.size)}</span>
              <Button
                size="small"
                appearance="subtle"
                icon={<Save16Regular />}
                aria-label={t('preview.save', { name: file.name })}
                onClick={() =>
                  fireAndForget(
                    command('app.saveAttachment', { id, index: file.index }, t('action.saveFailed')).then((done) => {
                      if (done?.saved === true) notices.done(t('action.saved'));
                    }),
                  )
                }
              />
            </li>
          ))}
        </ul>
      )}
      {html !== null && preview.text !== null && (
        <Switch label={t('preview.formatted')} checked={formatted} onChange={(_, data) => setFormatted(data.checked)} />
      )}
      {page !== null ? (
        <iframe
          className={styles.frame}
          title={t('details.message')}
          sandbox=""
          referrerPolicy="no-referrer"
          srcDoc={page}
        />
      ) : (
        <pre className={styles.text}>
          {preview.text === null || preview.text.trim() === '' ? t('preview.empty') : preview.text}
        </pre>
      )}
      {preview.truncated && <Text className={styles.faint}>{t('preview.truncated')}</Text>}
    </div>
  );
}
