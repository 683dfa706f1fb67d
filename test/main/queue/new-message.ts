import type { NewMessage } from '../../../main/queue/queue-store.ts';

/** A plain message to one recipient, or to those given. */
export function newMessageFor(id: string, to: readonly string[] = ['rcpt@example.test']): NewMessage {
  return {
    id,
    acceptedAt: 1000,
    mailFrom: 'sender@home.test',
    recipients: to.map((rcptTo) => ({ rcptTo, dsn: {} })),
    dsn: {},
    body8bit: false,
    smtputf8: false,
    origin: { kind: 'smtp', client: '127.0.0.1' },
    subject: `Subject of ${id}`,
    headerFrom: null,
    messageId: null,
  };
}
