/** The bytes as they lie in the queue, read in pieces. */
import { Button, makeStyles, tokens } from '@fluentui/react-components';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useBridge } from '../bridge.ts';
import { valueOf } from '../server-cache.ts';
import { useLocale } from '../i18n/locale.tsx';

const CHUNK_BYTES = 64 * 1024;

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
  const { data, error, fetchNextPage } = useInfiniteQuery({
    queryKey: ['queue.raw', id],
    initialPageParam: 0,
    queryFn: async ({ pageParam: offset }) => {
      const { base64, total } = await valueOf(bridge, 'queue.raw', { id, offset, length: CHUNK_BYTES });
      const bytes = bytesOf(base64);
      return { text: new TextDecoder().decode(bytes), read: offset + bytes.length, total };
    },
    getNextPageParam: ({ read, total }) => (read < total ? read : undefined),
  });

  if (error !== null) return <p role="alert">{failureText(error.failure)}</p>;
  const last = data?.pages.at(-1);
  if (data === undefined || last === undefined) return null;
  return (
    <>
      <pre className={styles.source}>{data.pages.map(({ text }) => text).join('')}</pre>
      {last.read < last.total && (
        <div className={styles.more}>
          <Button size="small" onClick={() => void fetchNextPage()}>
            {t('source.more')}
          </Button>
          {t('source.shown', { shown: format.size(last.read), total: format.size(last.total) })}
        </div>
      )}
    </>
  );
}
