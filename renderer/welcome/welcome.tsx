/** The first run: three steps to mail that goes through. Can be skipped, and come back to (spec §3.4, §9). */
import { Button, makeStyles, mergeClasses, Text, tokens } from '@fluentui/react-components';
import { Checkmark16Filled } from '@fluentui/react-icons';
import { useEffect, useState } from 'react';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import { fireAndForget } from '../bridge.ts';
import { blankGateway } from '../settings/gateways/order.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { AddressStep } from './address-step.tsx';
import { draftOf, GatewayStep, type GatewayDraft } from './gateway-step.tsx';
import { ProgramStep } from './program-step.tsx';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  window: { height: '100%', backgroundColor: tokens.colorNeutralBackground3 },
  page: {
    maxWidth: '880px',
    height: '100%',
    boxSizing: 'border-box',
    margin: '0 auto',
    padding: '32px 24px 20px',
    display: 'flex',
    flexDirection: 'column',
    rowGap: '20px',
    '@media (max-height: 700px)': { paddingBlock: '16px 8px', rowGap: '12px' },
  },
  title: { margin: 0, display: 'block' },
  help: { color: tokens.colorNeutralForeground2, display: 'block', marginTop: '4px', textWrap: 'pretty' },
  steps: {
    display: 'flex',
    columnGap: '24px',
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    flexWrap: 'wrap',
    rowGap: '6px',
  },
  step: { display: 'flex', alignItems: 'center', columnGap: '8px', color: tokens.colorNeutralForeground3 },
  here: { color: tokens.colorNeutralForeground1, fontWeight: tokens.fontWeightSemibold },
  number: {
    width: '24px',
    height: '24px',
    borderRadius: '50%',
    display: 'inline-flex',
    alignItems: 'center',
    justifyContent: 'center',
    fontSize: tokens.fontSizeBase200,
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    boxSizing: 'border-box',
  },
  numberHere: {
    backgroundColor: tokens.colorBrandBackground,
    color: tokens.colorNeutralForegroundOnBrand,
    border: `1px solid ${tokens.colorBrandBackground}`,
    '@media (forced-colors: active)': {
      backgroundColor: 'Highlight',
      color: 'HighlightText',
      forcedColorAdjust: 'none',
    },
  },
  card: {
    display: 'flex',
    flexDirection: 'column',
    minHeight: 0,
    overflow: 'hidden',
    borderRadius: tokens.borderRadiusXLarge,
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow4,
    '@media (forced-colors: active)': { border: '1px solid CanvasText' },
  },
  foot: { display: 'flex', alignItems: 'center', columnGap: '12px', color: tokens.colorNeutralForeground3 },
});

const STEPS = ['address', 'gateway', 'program'] as const;
type Step = (typeof STEPS)[number];

interface Props {
  /** Finished or skipped. */
  readonly onDone: () => void;
}

export function Welcome({ onDone }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const { settings, save } = useSettingsStore();
  const [step, setStep] = useState<Step>('address');
  const [address, setAddress] = useState('');
  const [draft, setDraft] = useState<GatewayDraft | null>(null);
  const again = settings?.general.welcomeDone === true;
  const title = t(again ? 'welcome.againTitle' : 'welcome.title');
  useEffect(() => {
    document.title = title;
  }, [title]);

  const leave = () => {
    if (!again) fireAndForget(save([{ path: 'general.welcomeDone', value: true }]));
    onDone();
  };
  const found = (list: readonly DiscoveredGateway[], byHand: boolean) => {
    const unnamed = blankGateway(settings?.gateways.list ?? []);
    const id = draft?.gateway.id ?? unnamed.id;
    const best = list[0];
    const name = byHand ? '' : address.slice(address.lastIndexOf('@') + 1);
    const blank: GatewaySettings = { ...unnamed, id, name, username: address.trim() };
    const saved = draft?.saved ?? null;
    setDraft(
      best === undefined
        ? { gateway: blank, found: list, source: 'hand', unconfirmed: null, saved }
        : draftOf(best, { id, found: list, saved }),
    );
    setStep('gateway');
  };
  return (
    <div className={styles.window}>
      <main className={styles.page}>
        <div>
          <Text as="h1" size={700} weight="semibold" className={styles.title}>
            {title}
          </Text>
          <Text size={400} className={styles.help}>
            {t(again ? 'welcome.againHelp' : 'welcome.help')}
          </Text>
        </div>
        <Steps step={step} />
        <div className={styles.card}>
          {step === 'address' && (
            <AddressStep
              address={address}
              onAddress={setAddress}
              onFound={found}
              onWithout={() => setStep('program')}
            />
          )}
          {step === 'gateway' && draft !== null && (
            <GatewayStep
              address={address.trim()}
              draft={draft}
              onDraft={setDraft}
              onByHand={() => found([], true)}
              onBack={() => setStep('address')}
              onDone={() => setStep('program')}
            />
          )}
          {step === 'program' && (
            <ProgramStep
              address={address.trim()}
              onBack={() => setStep(draft === null ? 'address' : 'gateway')}
              onFinish={leave}
            />
          )}
        </div>
        {step !== 'program' && <SkipBar again={again} onLeave={leave} />}
      </main>
    </div>
  );
}

/** Where the user is in the three steps. */
function Steps({ step }: { readonly step: Step }) {
  const styles = useStyles();
  const { t } = useLocale();
  return (
    <ol className={styles.steps} aria-label={t('welcome.steps')}>
      {STEPS.map((name, i) => {
        const done = STEPS.indexOf(step) > i;
        return (
          <li
            key={name}
            aria-current={name === step ? 'step' : undefined}
            className={mergeClasses(styles.step, name === step && styles.here)}
          >
            <span className={mergeClasses(styles.number, name === step && styles.numberHere)} aria-hidden>
              {done ? <Checkmark16Filled /> : i + 1}
            </span>
            {t(`welcome.step.${name}`)}
          </li>
        );
      })}
    </ol>
  );
}

function SkipBar({ again, onLeave }: { readonly again: boolean; readonly onLeave: () => void }) {
  const styles = useStyles();
  const { t } = useLocale();
  return (
    <div className={styles.foot}>
      <Button appearance="subtle" onClick={onLeave}>
        {t(again ? 'common.close' : 'welcome.skip')}
      </Button>
      {!again && <span>{t('welcome.skipHelp')}</span>}
    </div>
  );
}
