/** Numbers, dates, sizes and spans of time as the locale writes them. Pure but for the locale that is passed in. */

export interface Format {
  readonly number: (value: number) => string;
  /** Octets, in steps of 1000 as file managers show them. */
  readonly size: (octets: number) => string;
  /** Date and time, to the second. */
  readonly moment: (ms: number) => string;
  /** Time of today, else day and month, else with the year. */
  readonly shortMoment: (ms: number, now: number) => string;
  readonly time: (ms: number) => string;
  /** Hours and minutes. */
  readonly clock: (ms: number) => string;
  /** Day and month. */
  readonly dayOf: (ms: number) => string;
  /** Day, month, hours and minutes. */
  readonly shortMomentWithTime: (ms: number) => string;
  /** "3 min. ago", "in 20 min." */
  readonly relative: (ms: number, now: number) => string;
  /** A length of time: "0.3 s", "2 min 5 s". */
  readonly duration: (ms: number) => string;
  /** Counting down: "0:42", "1:05:00". */
  readonly countdown: (ms: number) => string;
  readonly list: (items: readonly string[]) => string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Made when it is first wanted: each of these takes a millisecond or two, and a window opens with few of them. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Asking which locales are supported would cost more than all of the rest: an unknown one falls back by itself. */
function wellFormed(locale: string): boolean {
  try {
    return Intl.getCanonicalLocales(locale).length === 1;
  } catch {
    return false;
  }
}

/** @param locale BCP 47 tag; an unknown one falls back to the runtime's default */
export function createFormat(locale: string): Format {
  const tag = wellFormed(locale) ? locale : 'en';
  const number = once(() => new Intl.NumberFormat(tag));
  const unit = (name: string, unitDisplay: 'short' | 'narrow', maximumFractionDigits: number) =>
    once(() => new Intl.NumberFormat(tag, { style: 'unit', unit: name, unitDisplay, maximumFractionDigits }));
  const units = ['kilobyte', 'megabyte', 'gigabyte'].map((name) => ({
    whole: unit(name, 'short', 0),
    fine: unit(name, 'short', 1),
  }));
  const date = (options: Intl.DateTimeFormatOptions) => once(() => new Intl.DateTimeFormat(tag, options));
  const moment = date({ dateStyle: 'medium', timeStyle: 'medium' });
  const time = date({ hour: '2-digit', minute: '2-digit' });
  const timeSeconds = date({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const day = date({ day: 'numeric', month: 'short' });
  const dayYear = date({ day: 'numeric', month: 'short', year: 'numeric' });
  const relative = once(() => new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'short' }));
  const second = unit('second', 'narrow', 1);
  const milli = unit('millisecond', 'narrow', 0);
  const minute = unit('minute', 'narrow', 0);
  const hour = unit('hour', 'narrow', 0);
  const list = once(() => new Intl.ListFormat(tag, { style: 'long', type: 'conjunction' }));

  return {
    number: (value) => number().format(value),
    size: (octets) => {
      let step = 0;
      let value = octets / 1000;
      while (value >= 999.5 && step < units.length - 1) {
        value /= 1000;
        step++;
      }
      const found = units[step];
      return found === undefined ? '' : (value >= 100 ? found.whole : found.fine)().format(value);
    },
    moment: (ms) => moment().format(ms),
    shortMoment: (ms, now) => {
      const then = new Date(ms);
      const today = new Date(now);
      if (then.toDateString() === today.toDateString()) return time().format(ms);
      return (then.getFullYear() === today.getFullYear() ? day : dayYear)().format(ms);
    },
    time: (ms) => timeSeconds().format(ms),
    clock: (ms) => time().format(ms),
    dayOf: (ms) => day().format(ms),
    shortMomentWithTime: (ms) => `${day().format(ms)}, ${time().format(ms)}`,
    relative: (ms, now) => {
      const away = ms - now;
      const size = Math.abs(away);
      if (size < MINUTE) return relative().format(Math.round(away / 1000), 'second');
      if (size < HOUR) return relative().format(Math.round(away / MINUTE), 'minute');
      if (size < DAY) return relative().format(Math.round(away / HOUR), 'hour');
      return relative().format(Math.round(away / DAY), 'day');
    },
    duration: (ms) => {
      if (ms < 1000) return milli().format(Math.round(ms));
      if (ms < MINUTE) return second().format(ms / 1000);
      const whole = Math.round(ms / 1000);
      if (ms < HOUR) return `${minute().format(Math.floor(whole / 60))} ${second().format(whole % 60)}`;
      return `${hour().format(Math.floor(whole / 3600))} ${minute().format(Math.floor((whole % 3600) / 60))}`;
    },
    countdown: (ms) => {
      const whole = Math.max(0, Math.ceil(ms / 1000));
      const two = (n: number) => String(n).padStart(2, '0');
      const hours = Math.floor(whole / 3600);
      const minutes = Math.floor((whole % 3600) / 60);
      return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
    },
    list: (items) => list().format(items),
  };
}
