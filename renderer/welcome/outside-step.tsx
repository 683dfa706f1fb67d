/** Second step, where a server outside of the address's domain was found: it is asked about before anything else (RFC 6186 §6). */
import { Button, MessageBar, MessageBarBody } from '@fluentui/react-components';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { FoundServers } from './found-servers.tsx';
import { StepFrame } from './step-frame.tsx';
import { useLocale } from '../i18n/locale.tsx';

interface Props {
  /** Of the address. */
  readonly domain: string;
  readonly found: readonly DiscoveredGateway[];
  readonly chosen: DiscoveredGateway;
  readonly onChoose: (chosen: DiscoveredGateway) => void;
  /** The user knows it. */
  readonly onConfirm: () => void;
  readonly onByHand: () => void;
  readonly onBack: () => void;
}

export function OutsideStep({ domain, found, chosen, onChoose, onConfirm, onByHand, onBack }: Props) {
  const { t } = useLocale();
  const { host } = chosen.gateway;
  return (
    <StepFrame
      title={t('welcome.outside.title')}
      help={t('welcome.outside.help')}
      onSubmit={onConfirm}
      left={
        <>
          <Button onClick={onBack}>{t('common.back')}</Button>
          <Button appearance="subtle" onClick={onByHand}>
            {t('welcome.byHand')}
          </Button>
        </>
      }
      right={<Button type="submit">{t('welcome.outside.use', { host })}</Button>}
    >
      <FoundServers found={found} gateway={chosen.gateway} onChoose={onChoose} />
      <div role="status">
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            {t(chosen.source === 'database' ? 'welcome.outside.database' : 'welcome.outside.srv', { domain, host })}
          </MessageBarBody>
        </MessageBar>
      </div>
    </StepFrame>
  );
}
