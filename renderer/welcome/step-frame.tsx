/** What every step has: a heading that gets the focus, its content, and the buttons below. */
import { makeStyles, Text, tokens } from '@fluentui/react-components';
import { useEffect, useRef, type ReactNode } from 'react';

const useStyles = makeStyles({
  frame: { display: 'flex', flexDirection: 'column', rowGap: '16px' },
  title: { margin: 0, display: 'block', outlineStyle: 'none' },
  help: { color: tokens.colorNeutralForeground3, marginTop: '4px', display: 'block' },
  buttons: {
    display: 'flex',
    flexWrap: 'wrap',
    justifyContent: 'space-between',
    gap: '8px',
    marginTop: '8px',
  },
  side: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
});

interface Props {
  readonly title: string;
  readonly help: string;
  readonly left?: ReactNode;
  readonly right: ReactNode;
  readonly children: ReactNode;
}

export function StepFrame({ title, help, left, right, children }: Props) {
  const styles = useStyles();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
  }, []);
  return (
    <div className={styles.frame}>
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
      <div className={styles.buttons}>
        <div className={styles.side}>{left}</div>
        <div className={styles.side}>{right}</div>
      </div>
    </div>
  );
}
