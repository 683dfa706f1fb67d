import { Spinner } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { useCopy } from '../../components/copy-value.tsx';
import { ConsentDialog } from './consent-dialog.tsx';
import { GatewayFields } from './gateway-fields.tsx';
import { OAuthSignIn } from './oauth-sign-in.tsx';
import type { StoredSecret } from './stored-secret.ts';
import { TestResult } from './test-result.tsx';
import type { GatewayEditor } from './use-gateway-editor.ts';

interface Props {
  readonly editor: GatewayEditor;
  readonly gateway: GatewaySettings;
  readonly onChange: (gateway: GatewaySettings) => void;
  readonly extent: 'all' | 'needed';
  /** What is known of the stored password. */
  readonly stored: StoredSecret;
  readonly signedIn: boolean;
  /** The gateway is in the settings as it is shown. */
  readonly saved: boolean;
  /** Saves it for a sign-in. @returns whether it was saved */
  readonly onSave: () => Promise<boolean>;
  readonly testing: string;
  /** Between the fields and the result of the test. */
  readonly children?: ReactNode;
}

/** A gateway being edited: its fields, its sign-in, what a test found, and the question about a password that cannot be protected. */
export function EditedGateway(props: Props) {
  const { editor, gateway, onChange, extent, stored, signedIn, saved, onSave, testing, children } = props;
  const copy = useCopy();
  const { test } = editor;
  return (
    <>
      <GatewayFields
        gateway={gateway}
        onChange={(change) => {
          onChange({ ...gateway, ...change });
          editor.forgetTest();
        }}
        secret={editor.secret}
        onSecret={editor.setSecret}
        stored={stored}
        extent={extent}
        refused={editor.refused}
        signIn={<OAuthSignIn gatewayId={gateway.id} signedIn={signedIn} saved={saved} onSave={onSave} />}
      >
        {children}
        <div role="status">
          {editor.busy === 'testing' && <Spinner size="tiny" label={testing} style={{ justifyContent: 'start' }} />}
          {test !== null && (
            <div ref={(box) => box?.firstElementChild?.scrollIntoView({ block: 'nearest' })}>
              <TestResult ok={test.ok} steps={test.steps} onCopy={copy} />
            </div>
          )}
        </div>
      </GatewayFields>
      {editor.asksConsent && <ConsentDialog what="password" onAnswer={editor.answerConsent} />}
    </>
  );
}
