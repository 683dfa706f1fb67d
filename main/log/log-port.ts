/** The domain log, as the rest of the engine writes it. */
import type { Folder, HopAttempt, QueueId } from '../../shared/mail.ts';

/** Domain log: one line each with the queue id; never a password, a body or a settings object. */
export interface Log {
  queued(
    id: QueueId,
    facts: {
      readonly from: string | null;
      readonly recipients: number;
      readonly size: number;
      readonly client: string;
    },
  ): void;
  refused(facts: { readonly client: string; readonly command: string; readonly reply: string }): void;
  attempt(id: QueueId, hopTry: HopAttempt): void;
  sent(id: QueueId, rcptTo: string, via: string, reply: string): void;
  deferred(id: QueueId, rcptTo: string, why: string, nextAt: number): void;
  bounced(id: QueueId, rcptTo: string, folder: Folder, reply: string): void;
  /** Start, stop, settings applied, network, dial-up: anything that is not about one message. */
  note(event: string, facts?: Readonly<Record<string, string | number | boolean | null>>): void;
  /** A line of an SMTP conversation; `secret` lines are left out by the caller already. */
  conversation(session: string, direction: 'in' | 'out', line: string): void;
  problem(event: string, error: unknown): void;
}
