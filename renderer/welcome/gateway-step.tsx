/** Second step: what was found, all of it editable, tested, with its password or sign-in. */
import { Button, Field, makeStyles, Radio, RadioGroup, tokens } from '@fluentui/react-components';
import { useState } from 'react';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import type { GatewaySettings } from '../../shared/settings.ts';
import { fireAndForget } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNotices } from '../notices.tsx';
import { useAnswer } from '../server-cache.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { EditedGateway } from '../settings/gateways/edited-gateway.tsx';
import { withGateway } from '../settings/gateways/order.ts';
import { NOTHING_STORED } from '../settings/gateways/stored-secret.ts';
import { useGatewayEditor } from '../settings/gateways/use-gateway-editor.ts';
import { FoundServers } from './found-servers.tsx';
import { OutsideStep } from './outside-step.tsx';
import { StepFrame } from './step-frame.tsx';

const useStyles = makeStyles({
  source: { color: tokens.colorNeutralForeground3 },
});

/** What the step edits; kept when the user goes back and forth. */
export interface GatewayDraft {
  readonly gateway: GatewaySettings;
  readonly found: readonly DiscoveredGateway[];
  readonly source: DiscoveredGateway['source'] | 'hand';
  /** The server that was found lies outside of the address's domain, and the user has not confirmed it yet. */
  readonly unconfirmed: DiscoveredGateway | null;
  /** As it is in the settings. */
  readonly saved: GatewaySettings | null;
}

interface Props {
  readonly address: string;
  readonly draft: GatewayDraft;
  readonly onDraft: (draft: GatewayDraft) => void;
  readonly onByHand: () => void;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

/** What the step begins with for a server that was found. */
export function draftOf(
  chosen: DiscoveredGateway,
  draft: Pick<GatewayDraft, 'found' | 'saved'> & { readonly id: string },
): GatewayDraft {
  const { id, found, saved } = draft;
  const unconfirmed = chosen.outside ? chosen : null;
  return { gateway: { ...chosen.gateway, id }, found, source: chosen.source, unconfirmed, saved };
}

/** A server outside of the domain is asked about first: until it is confirmed there is no form to enter a password in. */
export function GatewayStep(props: Props) {
  const { address, draft, onDraft, onByHand, onBack } = props;
  const { unconfirmed, found, gateway, saved } = draft;
  if (unconfirmed === null) return <GatewayForm {...props} />;
  return (
    <OutsideStep
      domain={address.slice(address.lastIndexOf('@') + 1)}
      found={found}
      chosen={unconfirmed}
      onChoose={(chosen) => onDraft(draftOf(chosen, { id: gateway.id, found, saved }))}
      onConfirm={() => onDraft({ ...draft, unconfirmed: null })}
      onByHand={onByHand}
      onBack={onBack}
    />
  );
}

function GatewayForm({ address, draft, onDraft, onBack, onDone }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const { settings } = useSettingsStore();
  const states = useAnswer('gateways.states', {}).value?.states ?? [];
  const mode = settings?.gateways.mode ?? 'never';
  const asksMode = mode === 'never' || draft.saved !== null;
  const [wanted, setWanted] = useState<Mode>(mode === 'onError' ? 'onError' : 'always');
  const { gateway } = draft;
  const stored = states.find((state) => state.id === gateway.id) ?? NOTHING_STORED;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const save = useSaveGateway(asksMode ? wanted : null);
  const editor = useGatewayEditor(
    gateway,
    async (parsed) => {
      const done = await save(parsed);
      if (done) onDraft({ ...draft, saved: gateway });
      return done;
    },
    onDone,
  );
  const testAndContinue = async () => {
    if (await editor.runTest()) await editor.store();
  };
  return (
    <StepFrame
      title={t('welcome.gatewayTitle')}
      help={t('welcome.gatewayHelp')}
      onSubmit={() => fireAndForget(testAndContinue())}
      left={<Button onClick={onBack}>{t('common.back')}</Button>}
      right={
        <>
          {editor.test?.ok === false && (
            <Button disabledFocusable={editor.busy !== null} onClick={() => fireAndForget(editor.store())}>
              {t('welcome.continueAnyway')}
            </Button>
          )}
          <Button appearance="primary" type="submit" disabledFocusable={editor.busy !== null}>
            {t('welcome.testAndContinue')}
          </Button>
        </>
      }
    >
      <span className={styles.source} role="status">
        {draft.source === 'hand' && draft.found.length === 0 && address !== '' && domain !== ''
          ? t('welcome.nothingFound', { address })
          : t(`welcome.source.${draft.source}`, { domain })}
      </span>
      <FoundServers
        found={draft.found}
        gateway={gateway}
        onChoose={(chosen) => onDraft(draftOf(chosen, { ...draft, id: gateway.id }))}
      />
      <EditedGateway
        editor={editor}
        gateway={gateway}
        onChange={(next) => onDraft({ ...draft, gateway: next })}
        extent="needed"
        stored={stored}
        signedIn={stored.hasSecret}
        saved={draft.saved === gateway}
        onSave={editor.saveGateway}
        testing={t('welcome.testing')}
      >
        {asksMode && <UseOfGateway value={wanted} onChange={setWanted} />}
      </EditedGateway>
    </StepFrame>
  );
}

type Mode = 'always' | 'onError';

function UseOfGateway({ value, onChange }: { readonly value: Mode; readonly onChange: (mode: Mode) => void }) {
  const { t } = useLocale();
  return (
    <Field label={t('welcome.use')} hint={t('welcome.useHelp')}>
      <RadioGroup
        layout="horizontal"
        value={value}
        onChange={(_, data) => onChange(data.value === 'onError' ? 'onError' : 'always')}
      >
        <Radio value="always" label={t('welcome.useAlways')} />
        <Radio value="onError" label={t('welcome.useOnError')} />
      </RadioGroup>
    </Field>
  );
}

/**
 * Saves a gateway, new or known.
 * @param mode is saved with it; null = stays as it is
 */
function useSaveGateway(mode: Mode | null): (gateway: GatewaySettings) => Promise<boolean> {
  const { t } = useLocale();
  const notices = useNotices();
  const { settings, save } = useSettingsStore();
  return async (gateway) => {
    const [problem] = await save([
      { path: 'gateways.list', value: withGateway(settings?.gateways.list ?? [], gateway) },
      ...(mode === null ? [] : [{ path: 'gateways.mode', value: mode }]),
    ]);
    if (problem !== undefined) notices.failed(t('welcome.notSaved'), problem.message);
    return problem === undefined;
  };
}
