/** The text of a message on its way to the server, dot-stuffed. */
import { createDotStuffer } from '../message/dot-stuffing.ts';
import type { SessionTrouble } from '../policy/model.ts';
import type { Connection } from './connection.ts';
import type { PhaseTimeouts } from './timeouts.ts';

/**
 * Sends the message's octets. The dot is sent only after exactly `size` octets and a clean end of the source, in one write
 * with the last piece.
 * @param answered whether the server has replied already, in the middle of the message
 * @param onDot called just before the dot is written
 * @returns null: all was sent, with the dot; 'answered': the server replied or is gone; else trouble of our own
 */
export async function sendOctets(
  connection: Connection,
  octets: AsyncIterator<Uint8Array>,
  size: number,
  timeouts: PhaseTimeouts,
  answered: () => boolean,
  onDot: () => void,
): Promise<SessionTrouble | 'answered' | null> {
  const stuffer = createDotStuffer();
  let sent = 0;
  let held: Uint8Array | null = null;
  connection.arm(timeouts.block);
  for (;;) {
    let step: IteratorResult<Uint8Array>;
    try {
      step = await octets.next();
    } catch (error) {
      return {
        kind: 'local',
        detail: `the message could not be read: ${error instanceof Error ? error.message : 'unknown reason'}`,
      };
    }
    if (connection.getDeath()) return 'answered';
    if (step.done === true) break;
    sent += step.value.length;
    if (sent > size) break;
    if (held) {
      const more = connection.write(held);
      if (!(typeof more === 'boolean' ? more : await more)) return 'answered';
      connection.arm(timeouts.block);
    }
    if (answered()) {
      await octets.return?.();
      return 'answered';
    }
    held = stuffer.encode(step.value);
  }
  if (sent !== size) {
    await octets.return?.();
    return { kind: 'local', detail: `the stored message has ${sent > size ? 'more' : 'fewer'} octets than it should` };
  }
  const end = stuffer.end();
  const last = held ? Buffer.concat([held, end]) : end;
  onDot();
  const more = connection.write(last);
  if (typeof more !== 'boolean') await more;
  return null;
}
