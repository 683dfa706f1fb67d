/** Short notices at the edge of the window: what was done (with undo) and what could not be done. */
import {
  Link,
  Toast,
  Toaster,
  ToastBody,
  ToastTitle,
  ToastTrigger,
  useFocusFinders,
  useId,
  useToastController,
} from '@fluentui/react-components';
import { createContext, useCallback, useContext, useMemo, type KeyboardEvent, type ReactNode } from 'react';
import type { Input, MethodName, Output } from '../shared/ipc-contract.ts';
import { useBridge } from './bridge.ts';
import { useLocale } from './i18n/locale.tsx';

interface Notices {
  /** `more`: what has to be said besides. */
  readonly done: (text: string, undo?: () => void, more?: string) => void;
  readonly failed: (title: string, reason?: string) => void;
}
const NoticesContext = createContext<Notices | null>(null);

/** @throws outside of a NoticesProvider */
export function useNotices(): Notices {
  const notices = useContext(NoticesContext);
  if (notices === null) throw new Error('no notices');
  return notices;
}

/** Calls the engine for the user: hands on the value, or shows why there is none under `failedTitle` and hands on null. */
export function useCommand(): <M extends MethodName>(
  name: M,
  input: Input<M>,
  failedTitle: string,
) => Promise<Output<M> | null> {
  const bridge = useBridge();
  const notices = useNotices();
  const { failureText } = useLocale();
  return useCallback(
    async (name, input, failedTitle) => {
      const result = await bridge.call(name, input);
      if (result.ok) return result.value;
      notices.failed(failedTitle, failureText(result.error));
      return null;
    },
    [bridge, notices, failureText],
  );
}

/**
 * Tab goes through the notices and on to the page. The library would keep the keyboard inside of a notice, and the notice
 * there for as long, until Escape is pressed: nothing tells the user so, and a notice is no dialog.
 */
function useTabThrough(): (event: KeyboardEvent) => void {
  const { findFirstFocusable, findPrevFocusable } = useFocusFinders();
  return (event) => {
    const list = event.currentTarget;
    if (event.key !== 'Tab' || !(list instanceof HTMLElement)) return;
    event.preventDefault();
    event.stopPropagation();
    const stops = [...list.querySelectorAll<HTMLElement>('[role="listitem"], button, a[href]')];
    const here = stops.findIndex((stop) => stop === document.activeElement);
    const next = here < 0 ? undefined : stops[here + (event.shiftKey ? -1 : 1)];
    const beyond = event.shiftKey ? findPrevFocusable(list) : findFirstFocusable(document.body);
    (next ?? beyond)?.focus();
  };
}

/** A notice with the same text is shown once at a time. */
const once = (words: string): { readonly toastId: string } => ({ toastId: `notice: ${words}` });

export function NoticesProvider({ children }: { readonly children: ReactNode }) {
  const id = useId('notices');
  const { t } = useLocale();
  const { dispatchToast } = useToastController(id);
  const tabThrough = useTabThrough();
  const notices = useMemo<Notices>(
    () => ({
      done: (text, undo, more) => {
        dispatchToast(
          <Toast>
            <ToastTitle
              action={
                undo === undefined ? null : (
                  <ToastTrigger>
                    <Link as="button" onClick={undo}>
                      {t('common.undo')}
                    </Link>
                  </ToastTrigger>
                )
              }
            >
              {text}
            </ToastTitle>
            {more !== undefined && <ToastBody>{more}</ToastBody>}
          </Toast>,
          {
            intent: 'success',
            timeout: undo === undefined && more === undefined ? 3500 : 8000,
            pauseOnHover: true,
            ...(undo === undefined ? once(text) : {}),
          },
        );
      },
      failed: (title, reason) => {
        dispatchToast(
          <Toast>
            <ToastTitle
              action={
                <ToastTrigger>
                  <Link as="button">{t('common.dismiss')}</Link>
                </ToastTrigger>
              }
            >
              {title}
            </ToastTitle>
            {reason !== undefined && <ToastBody>{reason}</ToastBody>}
          </Toast>,
          {
            intent: 'error',
            timeout: 12000,
            pauseOnHover: true,
            politeness: 'assertive',
            ...once(`${title} ${reason ?? ''}`),
          },
        );
      },
    }),
    [dispatchToast, t],
  );
  return (
    <NoticesContext.Provider value={notices}>
      {children}
      <Toaster
        toasterId={id}
        position="bottom-end"
        offset={{ horizontal: 16, vertical: 44 }}
        onKeyDownCapture={tabThrough}
      />
    </NoticesContext.Provider>
  );
}
