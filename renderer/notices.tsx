/** Short notices at the edge of the window: what was done (with undo) and what could not be done. */
import {
  Link,
  Toast,
  Toaster,
  ToastBody,
  ToastTitle,
  ToastTrigger,
  useId,
  useToastController,
} from '@fluentui/react-components';
import { createContext, useCallback, useContext, useMemo, type ReactNode } from 'react';
import type { Result } from '../shared/result.ts';
import { failureText } from './i18n/failure.ts';
import { useLanguage, useSay } from './i18n/i18n.ts';

interface Notices {
  readonly done: (text: string, undo?: () => void) => void;
  readonly failed: (title: string, reason?: string) => void;
}
const NoticesContext = createContext<Notices | null>(null);

/** @throws outside of a NoticesProvider */
export function useNotices(): Notices {
  const notices = useContext(NoticesContext);
  if (notices === null) throw new Error('no notices');
  return notices;
}

/** Hands on the value of a call, or shows why there is none. */
export function useAttempt(): <T>(title: string, call: Promise<Result<T>>) => Promise<T | null> {
  const notices = useNotices();
  const say = useSay();
  const language = useLanguage();
  return useCallback(
    async (title, call) => {
      const result = await call;
      if (result.ok) return result.value;
      notices.failed(title, failureText(result.error, say, language));
      return null;
    },
    [notices, say, language],
  );
}

export function NoticesProvider({ children }: { readonly children: ReactNode }) {
  const id = useId('notices');
  const say = useSay();
  const { dispatchToast } = useToastController(id);
  const notices = useMemo<Notices>(
    () => ({
      done: (text, undo) => {
        dispatchToast(
          <Toast>
            <ToastTitle
              action={
                undo === undefined ? null : (
                  <ToastTrigger>
                    <Link as="button" onClick={undo}>
                      {say('common.undo')}
                    </Link>
                  </ToastTrigger>
                )
              }
            >
              {text}
            </ToastTitle>
          </Toast>,
          { intent: 'success', timeout: undo === undefined ? 3500 : 8000, pauseOnHover: true },
        );
      },
      failed: (title, reason) => {
        dispatchToast(
          <Toast>
            <ToastTitle
              action={
                <ToastTrigger>
                  <Link as="button">{say('common.dismiss')}</Link>
                </ToastTrigger>
              }
            >
              {title}
            </ToastTitle>
            {reason !== undefined && <ToastBody>{reason}</ToastBody>}
          </Toast>,
          { intent: 'error', timeout: 12000, pauseOnHover: true, politeness: 'assertive' },
        );
      },
    }),
    [dispatchToast, say],
  );
  return (
    <NoticesContext.Provider value={notices}>
      {children}
      <Toaster toasterId={id} position="bottom-end" offset={{ horizontal: 16, vertical: 44 }} />
    </NoticesContext.Provider>
  );
}
