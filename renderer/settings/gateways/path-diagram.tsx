/** The way of a message, drawn: changes with every click on the page. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import {
  ArrowTurnUpLeft20Regular,
  ErrorCircle20Regular,
  Globe20Regular,
  Organization20Regular,
  Router20Regular,
} from '@fluentui/react-icons';
import { Fragment, type ComponentType } from 'react';
import { useLocale } from '../../i18n/locale.tsx';
import { useSettings } from '../use-setting.ts';
import { byPriority } from './order.ts';
import { pathsOf, type StepKind } from './path-steps.ts';

const useStyles = makeStyles({
  box: {
    padding: '14px 16px',
    borderRadius: tokens.borderRadiusLarge,
    backgroundColor: tokens.colorNeutralBackground2,
    display: 'flex',
    flexDirection: 'column',
    rowGap: '14px',
  },
  who: { color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200, marginBottom: '6px' },
  chain: {
    display: 'flex',
    '@media (max-width: 1060px)': { flexWrap: 'wrap', rowGap: '8px' },
    alignItems: 'stretch',
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    minWidth: 0,
  },
  step: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '8px',
    padding: '8px 12px',
    '@media (max-width: 1060px)': { paddingInline: '8px', columnGap: '6px' },
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
    minWidth: 'min-content',
    flexShrink: 1,
    '& svg': { flexShrink: 0 },
  },
  gateways: { border: `1px solid ${tokens.colorBrandStroke2}`, color: tokens.colorBrandForeground1 },
  end: { color: tokens.colorStatusDangerForeground1 },
  words: { display: 'flex', flexDirection: 'column', minWidth: 0 },
  name: { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap', color: tokens.colorNeutralForeground1 },
  names: {
    fontSize: tokens.fontSizeBase100,
    lineHeight: '13px',
    color: tokens.colorNeutralForeground3,
    overflow: 'hidden',
    maxHeight: '39px',
    maxWidth: '170px',
    overflowWrap: 'anywhere',
    '@media (max-width: 1060px)': { display: 'none' },
  },
  way: {
    flex: '1 1 56px',
    minWidth: '52px',
    maxWidth: '180px',
    display: 'flex',
    flexDirection: 'column',
    justifyContent: 'center',
    textAlign: 'center',
    paddingInline: '4px',
  },
  when: {
    fontSize: tokens.fontSizeBase100,
    lineHeight: tokens.lineHeightBase100,
    color: tokens.colorNeutralForeground3,
    paddingInline: '2px',
  },
  line: {
    position: 'relative',
    display: 'block',
    height: '9px',
    marginTop: '2px',
    '::before': {
      content: '""',
      position: 'absolute',
      insetInline: '2px',
      top: '4px',
      // A border, not a filled box: it is also drawn where the system forces its colours.
      borderTop: `1px solid ${tokens.colorNeutralForeground4}`,
    },
    '::after': {
      content: '""',
      position: 'absolute',
      right: '2px',
      top: '1px',
      width: '6px',
      height: '6px',
      borderTop: `1px solid ${tokens.colorNeutralForeground4}`,
      borderRight: `1px solid ${tokens.colorNeutralForeground4}`,
      transform: 'rotate(45deg)',
    },
  },
});

const ICONS: Readonly<Record<StepKind, ComponentType>> = {
  direct: Globe20Regular,
  lan: Organization20Regular,
  gateways: Router20Regular,
  bad: ErrorCircle20Regular,
  bounced: ArrowTurnUpLeft20Regular,
};

export function PathDiagram() {
  const styles = useStyles();
  const { t, format } = useLocale();
  const settings = useSettings();
  const { value, unit } = settings.administration.undeliverableAfter;
  const limit = t(`path.limit.${unit}`, { count: value });
  const { lan, dns, smtp } = settings.gateways.onErrors;
  const kinds = format.list([
    ...(lan ? [t('onErrors.lan')] : []),
    ...(dns ? [t('onErrors.dns')] : []),
    ...(smtp ? [t('onErrors.smtp')] : []),
  ]);
  const names = byPriority(settings.gateways.list.filter((gateway) => gateway.enabled)).map((gateway) => gateway.name);
  return (
    <div className={styles.box} role="group" aria-label={t('path.title')}>
      {pathsOf(settings).map((path) => (
        <div key={path.who}>
          <div className={styles.who}>{t(`path.${path.who}`)}</div>
          <ol className={styles.chain} aria-live="polite">
            {path.steps.map((step) => {
              const Icon = ICONS[step.kind];
              const note =
                step.kind === 'gateways'
                  ? names.length === 0
                    ? t('path.noGateways')
                    : names.join(' → ')
                  : step.kind === 'bounced'
                    ? t(settings.administration.returnUndeliverable ? 'path.returned' : 'path.notReturned')
                    : step.kind === 'bad'
                      ? t('path.youDecide')
                      : t(`path.${step.kind}Note`);
              return (
                <Fragment key={step.kind}>
                  {step.when !== null && (
                    <li className={styles.way}>
                      <span className={styles.when}>{t(`path.when.${step.when}`, { limit, kinds })}</span>
                      <span className={styles.line} aria-hidden />
                    </li>
                  )}
                  <li
                    className={mergeClasses(
                      styles.step,
                      step.kind === 'gateways' && styles.gateways,
                      (step.kind === 'bad' || step.kind === 'bounced') && styles.end,
                    )}
                  >
                    <Icon />
                    <span className={styles.words}>
                      <span className={styles.name}>{t(`path.step.${step.kind}`)}</span>
                      <span className={styles.names} title={note}>
                        {note}
                      </span>
                    </span>
                  </li>
                </Fragment>
              );
            })}
          </ol>
        </div>
      ))}
    </div>
  );
}
