import { createDelivery, type DeliveryDeps } from '../../main/delivery/delivery.ts';
import type { Delivery, OutgoingRecipient, MessageInDelivery } from '../../main/delivery/delivery-port.ts';
import type { Dns } from '../../main/dns/dns-port.ts';
import type { Log } from '../../main/log/log-port.ts';
import type { Clock } from '../../main/runtime/clock.ts';
import { systemClock } from '../../main/runtime/system-clock.ts';
import { parseSettings, type Settings } from '../../shared/settings.ts';
import { boundSecrets } from '../fakes/memory-secrets.ts';

/** A clock whose delays pass so many times faster: time-outs of minutes in milliseconds, over real sockets. */
export function fastClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() * factor,
    after: (ms, run) => systemClock.after(ms / factor, run),
  };
}

export function settingsOf(value: unknown): Settings {
  const parsed = parseSettings(value);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.settings;
}

export interface LoggedLine {
  readonly direction: string;
  readonly line: string;
}

/** A log that keeps conversations and problems, and says nothing. */
export function listeningLog(): { readonly log: Log; readonly lines: LoggedLine[]; readonly problems: unknown[] } {
  const lines: LoggedLine[] = [];
  const problems: unknown[] = [];
  const quiet = (): void => undefined;
  const log: Log = {
    queued: quiet,
    refused: quiet,
    attempt: quiet,
    sent: quiet,
    deferred: quiet,
    bounced: quiet,
    note: quiet,
    conversation: (_session, direction, line) => {
      lines.push({ direction, line });
    },
    problem: (_event, error) => {
      problems.push(error);
    },
  };
  return { log, lines, problems };
}

/** A message of these octets; counts how often it was read. */
export function messageOf(
  text: string | Uint8Array,
  facts: Partial<Omit<MessageInDelivery, 'read'>> & { readonly read?: () => AsyncIterable<Uint8Array> } = {},
): MessageInDelivery {
  const octets = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  return {
    id: 'q1',
    mailFrom: 'ann@home.test',
    size: octets.length,
    dsn: {},
    body8bit: false,
    smtputf8: false,
    read: async function* () {
      await Promise.resolve();
      yield octets;
    },
    progress: {
      begin: () => Promise.resolve(true),
      nobodyAccepted: () => undefined,
      accepted: () => Promise.resolve(),
    },
    ...facts,
  };
}

/** Recipients with ids 1, 2, … */
export function recipientsOf(...addresses: readonly string[]): readonly OutgoingRecipient[] {
  return addresses.map((rcptTo, i) => ({ id: i + 1, rcptTo, dsn: {} }));
}

/** A real delivery for tests; `settings` may change between calls. */
export function deliveryRig(
  settings: unknown,
  dns: Dns,
  more: Partial<DeliveryDeps> & { readonly passwords?: Readonly<Record<string, string>> } = {},
): {
  readonly delivery: Delivery;
  readonly lines: LoggedLine[];
  readonly problems: unknown[];
  set(next: unknown): void;
} {
  let current = settingsOf(settings);
  const { log, lines, problems } = listeningLog();
  const { passwords = {}, ...rest } = more;
  const delivery = createDelivery({
    clock: systemClock,
    random: { next: () => 0, hex: () => '00' },
    dns,
    secrets: boundSecrets(passwords, current),
    log,
    settings: () => current,
    networkId: () => 'home',
    hostname: () => 'laptop.home.test',
    ownAddresses: () => [],
    ...rest,
  });
  return {
    delivery,
    lines,
    problems,
    set(next) {
      current = settingsOf(next);
    },
  };
}
