/** Add or edit a gateway: checked as typed, tested on demand, the password handed to the key store only. */
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
} from '@fluentui/react-components';
import { useState } from 'react';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { fireAndForget } from '../../bridge.ts';
import { useReturnFocus } from '../../components/use-return-focus.ts';
import { useLocale } from '../../i18n/locale.tsx';
import { EditedGateway } from './edited-gateway.tsx';
import { NOTHING_STORED, type StoredSecret } from './stored-secret.ts';
import { useGatewayEditor } from './use-gateway-editor.ts';

const useStyles = makeStyles({
  surface: { maxWidth: '640px' },
  // Room for the focus rings of the fields at the edge.
  fields: { padding: '4px 2px' },
});

interface Props {
  readonly gateway: GatewaySettings;
  readonly isNew: boolean;
  readonly stored: StoredSecret;
  /** @returns false = not saved (and said why) */
  readonly onSave: (gateway: GatewaySettings) => Promise<boolean>;
  readonly onClose: () => void;
}

export function GatewayDialog({ gateway, isNew, stored, onSave, onClose }: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  useReturnFocus();
  const [value, setValue] = useState(gateway);
  /** As it is in the settings. */
  const [saved, setSaved] = useState(isNew ? null : gateway);
  const editor = useGatewayEditor(value, onSave, onClose);
  const { busy } = editor;
  return (
    <Dialog open modalType="modal" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface className={styles.surface}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            fireAndForget(editor.store());
          }}
        >
          <DialogBody>
            <DialogTitle>{t(isNew ? 'gateway.add' : 'gateway.edit')}</DialogTitle>
            <DialogContent>
              <div className={styles.fields}>
                <EditedGateway
                  editor={editor}
                  gateway={value}
                  onChange={setValue}
                  extent="all"
                  stored={gateway.auth === value.auth ? stored : NOTHING_STORED}
                  signedIn={stored.hasSecret}
                  saved={saved === value}
                  onSave={async () => {
                    const done = await editor.saveGateway();
                    if (done) setSaved(value);
                    return done;
                  }}
                  testing={t('gateway.testing')}
                />
              </div>
            </DialogContent>
            <DialogActions position="start">
              <Button disabledFocusable={busy !== null} onClick={() => fireAndForget(editor.runTest())}>
                {t('gateway.test')}
              </Button>
            </DialogActions>
            <DialogActions position="end">
              <Button onClick={onClose}>{t(isNew && saved !== null ? 'common.close' : 'common.cancel')}</Button>
              <Button
                appearance="primary"
                type="submit"
                disabledFocusable={busy !== null || (editor.refused > 0 && !editor.isValid)}
              >
                {t(saved === null ? 'common.add' : 'common.save')}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
