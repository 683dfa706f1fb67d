import { useEffect, useEffectEvent } from 'react';

const FOCUSABLE = 'button:not([disabled]), input:not([disabled]), textarea, a[href], [tabindex="0"]';
const CONTAINERS = 'main [data-setting], main [role=group], main section, [role=dialog]';
/** Time for whatever takes the focus on purpose (a dialog that closes gives it back), ms. */
const OTHERS_FIRST_MS = 100;

interface Place {
  readonly element: HTMLElement;
  /** Its line in a list, null = in no list. */
  readonly line: { readonly list: HTMLElement; readonly index: number; readonly nth: number } | null;
  /** The field, group or dialog it is in. */
  readonly container: HTMLElement | null;
}

const focusable = (within: Element) => [...within.querySelectorAll<HTMLElement>(FOCUSABLE)];

function placeOf(element: HTMLElement): Place {
  const item = element.closest<HTMLElement>('main li');
  const list = item?.parentElement ?? null;
  const line =
    item === null || list === null
      ? null
      : { list, index: [...list.children].indexOf(item), nth: focusable(item).indexOf(element) };
  return { element, line, container: element.closest<HTMLElement>(CONTAINERS) };
}

/** The same button of the line that has come in its place, else the last line's; then the first thing of its group. */
function nextTo({ line, container }: Place): HTMLElement | null {
  if (line?.list.isConnected === true) {
    const item = line.list.children[Math.min(line.index, line.list.children.length - 1)];
    const found = item === undefined ? undefined : (focusable(item)[line.nth] ?? focusable(item)[0]);
    if (found !== undefined) return found;
  }
  return container?.isConnected === true ? (focusable(container)[0] ?? null) : null;
}

/**
 * For a window: when what has the focus goes away (a line of a list, a menu, a notice) or can no longer be used, the focus
 * goes to what is beside it, not to the start of the window.
 * @param fallback where it goes if nothing is left there
 */
export function useFocusRecovery(fallback: () => HTMLElement | null): void {
  const fallBack = useEffectEvent(fallback);
  useEffect(() => {
    let place: Place | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isLost = () =>
      place !== null &&
      (document.activeElement === null || document.activeElement === document.body) &&
      (!place.element.isConnected || place.element.matches(':disabled'));
    const note = (event: FocusEvent) => {
      if (event.target instanceof HTMLElement) place = placeOf(event.target);
    };
    const observer = new MutationObserver(() => {
      if (!isLost()) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (place === null || !isLost()) return;
        const next = nextTo(place);
        // Nothing behind a dialog can be focused.
        if (next !== null || document.querySelector('[aria-modal=true]') === null) (next ?? fallBack())?.focus();
      }, OTHERS_FIRST_MS);
    });
    window.addEventListener('focusin', note);
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] });
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      window.removeEventListener('focusin', note);
    };
  }, []);
}
