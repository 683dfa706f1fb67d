import { useEffect, useRef } from 'react';

const REACHABLE = 'button:not([disabled]), input:not([disabled]), textarea, a[href], [tabindex="0"]';
const HOMES = 'main [data-setting], main [role=group], main section, [role=dialog]';
/** Time for whoever takes the keyboard on purpose (a dialog that closes gives it back), ms. */
const OTHERS_FIRST_MS = 100;

interface Place {
  readonly element: HTMLElement;
  /** The line it stood in, null = in no list. */
  readonly line: { readonly list: HTMLElement; readonly index: number; readonly nth: number } | null;
  /** What it belongs to: the field, the group, the dialog. */
  readonly home: HTMLElement | null;
}

const reachable = (within: Element) => [...within.querySelectorAll<HTMLElement>(REACHABLE)];

function placeOf(element: HTMLElement): Place {
  const item = element.closest<HTMLElement>('main li');
  const list = item?.parentElement ?? null;
  const line =
    item === null || list === null
      ? null
      : { list, index: [...list.children].indexOf(item), nth: reachable(item).indexOf(element) };
  return { element, line, home: element.closest<HTMLElement>(HOMES) };
}

/** The same button of the line that has come in its place, else the last line's; then the first thing of its group. */
function nextTo({ line, home }: Place): HTMLElement | null {
  if (line?.list.isConnected === true) {
    const item = line.list.children[Math.min(line.index, line.list.children.length - 1)];
    const found = item === undefined ? undefined : (reachable(item)[line.nth] ?? reachable(item)[0]);
    if (found !== undefined) return found;
  }
  return home?.isConnected === true ? (reachable(home)[0] ?? null) : null;
}

/**
 * For a window: when what has the keyboard goes away (a line of a list, a menu, a notice) or can no longer be used, the
 * keyboard goes on beside it, not from the start of the window.
 * @param otherwise where, if nothing is left there
 */
export function useKeptFocus(otherwise: () => HTMLElement | null): void {
  const last = useRef(otherwise);
  useEffect(() => {
    last.current = otherwise;
  });
  useEffect(() => {
    let place: Place | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lost = () =>
      place !== null &&
      (document.activeElement === null || document.activeElement === document.body) &&
      (!place.element.isConnected || place.element.matches(':disabled'));
    const note = (event: FocusEvent) => {
      if (event.target instanceof HTMLElement) place = placeOf(event.target);
    };
    const observer = new MutationObserver(() => {
      if (!lost()) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (place === null || !lost()) return;
        const next = nextTo(place);
        // Nothing behind a dialog is to be had.
        if (next !== null || document.querySelector('[aria-modal=true]') === null) (next ?? last.current())?.focus();
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
