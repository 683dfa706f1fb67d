/** The bytes as they lie in the queue, read in pieces. */
import { Button, makeStyles, tokens } from '@fluentui/react-components';
import { useCallback, useEffect, useState } from 'react';
import type { Failure } from '../../shared/result.ts';
import { drop, useBridge } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';

const PIECE = 64 * 1024;

const useStyles = makeStyles({
  source: {
    margin: '8px 0',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    userSelect: 'text',
    tabSize: '8',
  },
  more: { display: 'flex', alignItems: 'center', columnGap: '12px', color: tokens.colorNeutralForeground3 },
});

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

export function SourceTab({ id }: { readonly id: string }) {
  const styles = useStyles();
  const { t, failureText, format } = useLocale();
  const bridge = useBridge();
  const [shown, setShown] = useState<{ text: string; read: number; total: number } | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);

  const more = useCallback(
    async (read: number, before: string) => {
      const result = await bridge.call('queue.raw', { id, offset: read, length: PIECE });
      if (!result.ok) {
        setFailure(result.error);
        return;
      }
      const bytes = bytesOf(result.value.base64);
      setShown({
        text: before + new TextDecoder().decode(bytes),
        read: read + bytes.length,
        total: result.value.total,
      });
    },
    [bridge, id],
  );
  useEffect(() => {
    // The bytes are an outside system: the state is set when they have come.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    drop(more(0, ''));
  }, [more]);

  if (failure !== null) return <p role="alert">{failureText(failure)}</p>;
  if (shown === null) return null;
  return (
    <>
      <pre className={styles.source}>{shown.text}</pre>
      {shown.read < shown.total && (
        <div className={styles.more}>
          <Button size="small" onClick={() => drop(more(shown.read, shown.text))}>
            {t('source.more')}
          </Button>
          {t('source.shown', { shown: format.size(shown.read), total: format.size(shown.total) })}
        </div>
      )}
    </>
  );
}
