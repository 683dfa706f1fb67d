/** The servers that were found, if there are several: one of them is chosen. */
import { Field, Radio, RadioGroup } from '@fluentui/react-components';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import { useLocale } from '../i18n/locale.tsx';

const place = ({ host, port }: Pick<GatewaySettings, 'host' | 'port'>) => `${host}:${port}`;

interface Props {
  readonly found: readonly DiscoveredGateway[];
  readonly gateway: GatewaySettings;
  readonly onChoose: (chosen: DiscoveredGateway) => void;
}

export function FoundServers({ found, gateway, onChoose }: Props) {
  const { t } = useLocale();
  if (found.length < 2) return null;
  return (
    <Field label={t('welcome.choose')}>
      <RadioGroup
        value={place(gateway)}
        onChange={(_, data) => {
          const chosen = found.find((one) => place(one.gateway) === data.value);
          if (chosen !== undefined) onChoose(chosen);
        }}
      >
        {found.map((one) => (
          <Radio key={place(one.gateway)} value={place(one.gateway)} label={place(one.gateway)} />
        ))}
      </RadioGroup>
    </Field>
  );
}
