/** Limits of every way into the queue: the listener, and the drop folder of `postcast sendmail`. Octets and counts. */
export const INTAKE = {
  header: 1_048_576,
  /** Received fields: more are a loop (RFC 5321 §6.3). */
  hops: 100,
  /** Kept free on the disk for bounces, states and the journal (452 before the disk is full). Below it no message is begun. */
  reserveBytes: 64 * 1024 ** 2,
  /** Below this a message that was begun while there was room is refused as well, while it is received and when it is stored. */
  reserveForBegunBytes: 32 * 1024 ** 2,
  /** The setting `server.maxMessageBytes`. */
  messageBytes: { least: 64 * 1024, most: 2 * 1024 ** 3, byDefault: 100 * 1024 ** 2 },
} as const;
