/** The context menu of the table. */
import {
  Menu,
  MenuDivider,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  type PositioningVirtualElement,
} from '@fluentui/react-components';
import {
  ArrowRepeatAll20Regular,
  ArrowUndo20Regular,
  Delete20Regular,
  PersonEdit20Regular,
  Save20Regular,
  Server20Regular,
} from '@fluentui/react-icons';
import { useMemo } from 'react';
import type { Folder } from '../../shared/mail.ts';
import { useSettingsStore } from '../settings-store.tsx';
import type { MessageActions } from './use-message-actions.ts';
import { useLocale } from '../i18n/locale.tsx';

interface Props {
  /** Null = closed. */
  readonly place: { readonly x: number; readonly y: number } | null;
  readonly onClose: () => void;
  readonly folder: Folder;
  readonly single: string | null;
  readonly actions: MessageActions;
  readonly onEdit: (id: string) => void;
}

/** "Send through ▸": the enabled gateways. */
export function GatewayItems({ onChoose }: { readonly onChoose: (id: string) => void }) {
  const { t } = useLocale();
  const gateways = useSettingsStore().settings?.gateways.list.filter((gateway) => gateway.enabled) ?? [];
  if (gateways.length === 0) return <MenuItem disabled>{t('action.noGateways')}</MenuItem>;
  return gateways.map((gateway) => (
    <MenuItem key={gateway.id} onClick={() => onChoose(gateway.id)}>
      {gateway.name}
    </MenuItem>
  ));
}

export function MessageMenu({ place, onClose, folder, single, actions, onEdit }: Props) {
  const { t } = useLocale();
  const target = useMemo<PositioningVirtualElement | undefined>(
    () => (place === null ? undefined : { getBoundingClientRect: () => new DOMRect(place.x, place.y, 0, 0) }),
    [place],
  );
  if (target === undefined) return null;
  return (
    <Menu
      open
      onOpenChange={(_, data) => !data.open && onClose()}
      positioning={{ target, position: 'below', align: 'start' }}
    >
      <MenuPopover>
        <MenuList>
          {folder === 'deleted' && (
            <MenuItem icon={<ArrowUndo20Regular />} disabled={!actions.enabled} onClick={actions.restore}>
              {t('action.restore')}
            </MenuItem>
          )}
          {folder !== 'sent' && folder !== 'deleted' && (
            <MenuItem icon={<ArrowRepeatAll20Regular />} disabled={!actions.enabled} onClick={() => actions.retry()}>
              {t('action.retry')}
            </MenuItem>
          )}
          {folder !== 'sent' && folder !== 'deleted' && (
            <Menu>
              <MenuTrigger disableButtonEnhancement>
                <MenuItem icon={<Server20Regular />} disabled={!actions.enabled}>
                  {t('action.sendThrough')}
                </MenuItem>
              </MenuTrigger>
              <MenuPopover>
                <MenuList>
                  <GatewayItems onChoose={actions.retry} />
                </MenuList>
              </MenuPopover>
            </Menu>
          )}
          <MenuItem
            icon={<PersonEdit20Regular />}
            disabled={single === null}
            onClick={() => single !== null && onEdit(single)}
          >
            {t('action.editAndResend')}
          </MenuItem>
          <MenuItem
            icon={<Save20Regular />}
            disabled={single === null}
            onClick={() => single !== null && actions.saveAs(single)}
          >
            {t('action.saveAs')}
          </MenuItem>
          <MenuDivider />
          <MenuItem
            icon={<Delete20Regular />}
            secondaryContent={t('key.delete')}
            disabled={!actions.enabled}
            onClick={actions.remove}
          >
            {t(folder === 'deleted' ? 'action.deleteForGood' : 'action.delete')}
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
