/**
 * What every step has: a heading that gets the focus, its content, and the buttons below. The content scrolls where the
 * window is low; the buttons are always there.
 */
import { makeStyles, Text, tokens } from '@fluentui/react-components';
import { useLayoutEffect, useRef, type ReactNode } from 'react';

const useStyles = makeStyles({
  frame: { display: 'flex', flexDirection: 'column', minHeight: 0 },
  scroll: {
    display: 'flex',
    flexDirection: 'column',
    rowGap: '16px',
    minHeight: 0,
    overflowY: 'auto',
    padding: '20px 24px 16px',
    '@media (max-height: 700px)': { rowGap: '12px', paddingBlock: '16px 12px' },
  },
  title: { margin: 0, display: 'block', outlineStyle: 'none' },
  help: { color: tokens.colorNeutralForeground3, marginTop: '4px', display: 'block', textWrap: 'pretty' },
  buttons: {
    display: 'flex',
    flexWrap: 'wrap',
    flexShrink: 0,
    justifyContent: 'space-between',
    gap: '8px',
    padding: '12px 24px',
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  side: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
});

interface Props {
  readonly title: string;
  readonly help: string;
  readonly left?: ReactNode;
  readonly right: ReactNode;
  readonly children: ReactNode;
  /** Enter in a field, or the button of type submit. Absent: the content has a form of its own. */
  readonly onSubmit?: () => void;
}

export function StepFrame({ title, help, left, right, children, onSubmit }: Props) {
  const styles = useStyles();
  const heading = useRef<HTMLHeadingElement>(null);
  // A layout effect: between two steps the focus is never lost.
  useLayoutEffect(() => {
    heading.current?.focus();
  }, []);
  const content = (
    <>
      <div className={styles.scroll}>
        <div>
          <h2
            ref={heading}
            tabIndex={-1}
            className={styles.title}
            style={{ fontSize: tokens.fontSizeBase500, fontWeight: 600, lineHeight: tokens.lineHeightBase500 }}
          >
            {title}
          </h2>
          <Text className={styles.help}>{help}</Text>
        </div>
        {children}
      </div>
      <div className={styles.buttons}>
        <div className={styles.side}>{left}</div>
        <div className={styles.side}>{right}</div>
      </div>
    </>
  );
  if (onSubmit === undefined) return <div className={styles.frame}>{content}</div>;
  return (
    <form
      noValidate
      className={styles.frame}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {content}
    </form>
  );
}
