/** From the engine's points to what is drawn. Pure. */
import type { Activity, ActivityPoint } from '../../shared/ipc-contract.ts';

export type Span = 'hour' | 'day' | 'month';
export const SPANS: readonly Span[] = ['hour', 'day', 'month'];

export interface Totals {
  readonly accepted: number;
  readonly delivered: number;
  readonly deferred: number;
}

export function totalsOf(points: readonly Totals[]): Totals {
  return points.reduce<Totals>(
    (sum, point) => ({
      accepted: sum.accepted + point.accepted,
      delivered: sum.delivered + point.delivered,
      deferred: sum.deferred + point.deferred,
    }),
    { accepted: 0, delivered: 0, deferred: 0 },
  );
}

/**
 * What the window shows of a span: buckets of the future are left out, and the hours of a month are put together to the
 * days of this time zone.
 */
export function pointsOf(activity: Activity, span: Span, now: number): readonly ActivityPoint[] {
  const past = activity.points.filter((point) => point.at <= now);
  if (span !== 'month') return past;
  const days = new Map<number, ActivityPoint>();
  for (const point of past) {
    const at = new Date(point.at).setHours(0, 0, 0, 0);
    const day = days.get(at);
    days.set(at, { at, ...totalsOf(day === undefined ? [point] : [day, point]) });
  }
  return [...days.values()];
}

/** The top of the scale: 1, 2 or 5 times a power of ten, at least 4. @param most the highest value shown */
export function scaleTop(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= most) ?? 10;
  return step * power;
}

/** The highest value of a bar or of the line. */
export function highest(points: readonly ActivityPoint[]): number {
  return points.reduce((most, point) => Math.max(most, point.accepted, point.delivered + point.deferred), 0);
}
