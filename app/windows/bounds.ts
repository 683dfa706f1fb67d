/** Where a window opens: as it was left, if that is still on a screen. Pure. */

/** Device-independent pixels. */
export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is remembered of a window. */
export interface RememberedWindow {
  readonly bounds: Bounds;
  readonly maximized: boolean;
}

/** How much of the title bar must be on a screen for a window to be caught with the mouse. */
const GRIP = 80;

/** Reads what was remembered; null for anything else than four whole numbers. */
export function parseRemembered(value: unknown): RememberedWindow | null {
  if (typeof value !== 'object' || value === null) return null;
  const { bounds, maximized } = value as { bounds?: unknown; maximized?: unknown };
  if (typeof bounds !== 'object' || bounds === null) return null;
  const { x, y, width, height } = bounds as Record<string, unknown>;
  if (!Number.isInteger(x) || !Number.isInteger(y) || !Number.isInteger(width) || !Number.isInteger(height))
    return null;
  return { bounds: { x, y, width, height } as Bounds, maximized: maximized === true };
}

/**
 * The bounds to open with: at least `minimum`, at most the screen; on the screen that held it, else centred on the first
 * one (a second screen was unplugged). `workAreas`: of all screens, the primary one first; never empty.
 */
export function clampBounds(
  wanted: Bounds | null,
  fallback: { readonly width: number; readonly height: number },
  minimum: { readonly width: number; readonly height: number },
  workAreas: readonly Bounds[],
): Bounds {
  const primary = workAreas[0] ?? { x: 0, y: 0, ...fallback };
  const home =
    wanted === null
      ? undefined
      : workAreas.find((area) => {
          const seen = Math.min(wanted.x + wanted.width, area.x + area.width) - Math.max(wanted.x, area.x);
          return seen >= GRIP && wanted.y >= area.y - 8 && wanted.y <= area.y + area.height - GRIP;
        });
  const area = home ?? primary;
  const size = wanted ?? fallback;
  const width = Math.min(Math.max(size.width, minimum.width), Math.max(area.width, minimum.width));
  const height = Math.min(Math.max(size.height, minimum.height), Math.max(area.height, minimum.height));
  if (wanted !== null && home !== undefined) return { x: wanted.x, y: wanted.y, width, height };
  return {
    x: Math.round(area.x + Math.max(0, area.width - width) / 2),
    y: Math.round(area.y + Math.max(0, area.height - height) / 2),
    width,
    height,
  };
}
