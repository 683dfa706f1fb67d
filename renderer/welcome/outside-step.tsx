/** Second step, where a server outside of the address's domain was found: it is asked about before anything else (RFC 6186 §6). */
import { Button, MessageBar, MessageBarBody } from '@fluentui/react-components';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { useSay } from '../i18n/i18n.ts';
import { FoundServers } from './found-servers.tsx';
import { StepFrame } from './step-frame.tsx';

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
  const say = useSay();
  const { host } = chosen.gateway;
  return (
    <StepFrame
      title={say('welcome.outside.title')}
      help={say('welcome.outside.help')}
      onSubmit={onConfirm}
      left={
        <>
          <Button onClick={onBack}>{say('common.back')}</Button>
          <Button appearance="subtle" onClick={onByHand}>
            {say('welcome.byHand')}
          </Button>
        </>
      }
      right={<Button type="submit">{say('welcome.outside.use', { host })}</Button>}
    >
      <FoundServers found={found} gateway={chosen.gateway} onChoose={onChoose} />
      <div role="status">
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            {say(chosen.source === 'database' ? 'welcome.outside.database' : 'welcome.outside.srv', { domain, host })}
          </MessageBarBody>
        </MessageBar>
      </div>
    </StepFrame>
  );
}
