/** First step: the address, and what can be found for it. */
import { Button, Field, Input, Spinner } from '@fluentui/react-components';
import { Search20Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import { fireAndForget } from '../bridge.ts';
import { validationProps } from '../components/validation-props.ts';
import { useCommand } from '../notices.tsx';
import { StepFrame } from './step-frame.tsx';
import { useLocale } from '../i18n/locale.tsx';

interface Props {
  readonly address: string;
  readonly onAddress: (address: string) => void;
  readonly onFound: (found: readonly DiscoveredGateway[], byHand: boolean) => void;
  readonly onWithout: () => void;
}

export function AddressStep({ address, onAddress, onFound, onWithout }: Props) {
  const { t } = useLocale();
  const command = useCommand();
  const [busy, setBusy] = useState(false);
  const [left, setLeft] = useState(false);
  const good = isEmailAddress(address.trim());
  const wrong = left && address !== '' && !good ? t('welcome.addressWrong') : undefined;
  const find = async () => {
    setLeft(true);
    if (!good || busy) return;
    setBusy(true);
    const answer = await command('gateways.discover', { address: address.trim() }, t('welcome.findFailed'));
    setBusy(false);
    if (answer !== null) onFound(answer.found, false);
  };
  return (
    <StepFrame
      onSubmit={() => fireAndForget(find())}
      title={t('welcome.addressTitle')}
      help={t('welcome.addressHelp')}
      left={
        <>
          <Button appearance="subtle" onClick={() => onFound([], true)}>
            {t('welcome.byHand')}
          </Button>
          <Button appearance="subtle" onClick={onWithout}>
            {t('welcome.without')}
          </Button>
        </>
      }
      right={
        <Button appearance="primary" type="submit" icon={<Search20Regular />} disabled={!good} disabledFocusable={busy}>
          {t('welcome.find')}
        </Button>
      }
    >
      <Field label={t('welcome.address')} hint={t('welcome.addressHint')} {...validationProps(wrong)}>
        <Input
          type="email"
          size="large"
          value={address}
          autoComplete="email"
          spellCheck={false}
          placeholder="you@example.com"
          onChange={(_, data) => onAddress(data.value)}
          onBlur={() => setLeft(true)}
        />
      </Field>
      <div role="status">
        {busy && <Spinner size="tiny" label={t('welcome.finding')} style={{ justifyContent: 'start' }} />}
      </div>
    </StepFrame>
  );
}
