/**
 * What the queue cannot take from the drop folder. The command line asks before it answers 0, the program before it
 * takes a drop, so that neither promises what the other cannot keep. Pure.
 */
import { INTAKE } from '../../shared/limits.ts';
import { MAX_RECIPIENTS } from '../queue/queue-store.ts';
import { MAX_ENVELOPE_BYTES } from './drop-file.ts';

/** What is known of a message and its envelope. */
export interface DropFacts {
  readonly recipients: number;
  /** Octets of the envelope line. */
  readonly envelope: number;
  /** The header is longer than INTAKE.header. */
  readonly headerTooBig: boolean;
  readonly hops: number;
}

/** Why a drop can never come into the queue. */
export type DropFault = 'too-many-recipients' | 'envelope-too-long' | 'header-too-big' | 'loop';

/** First fault, or null: the queue can hold it. */
export function dropFault(facts: DropFacts): DropFault | null {
  if (facts.recipients > MAX_RECIPIENTS) return 'too-many-recipients';
  if (facts.envelope > MAX_ENVELOPE_BYTES) return 'envelope-too-long';
  if (facts.headerTooBig) return 'header-too-big';
  return facts.hops >= INTAKE.hops ? 'loop' : null;
}

const MIB = 1024 * 1024;

/** In words, for a person. */
export const FAULT_WORDS: Readonly<Record<DropFault, string>> = {
  'too-many-recipients': `it has more than ${MAX_RECIPIENTS} recipients: send it to some at a time`,
  'envelope-too-long': `its list of recipients is longer than ${MAX_ENVELOPE_BYTES / MIB} MiB: send it to some at a time`,
  'header-too-big': `its header is longer than ${INTAKE.header / MIB} MiB`,
  loop: `it has ${INTAKE.hops} or more Received lines: it goes in circles`,
};

/** The largest message that is taken: `server.maxMessageBytes` in the text of settings.json, the default if that says nothing usable. */
export function largestMessage(settingsText: string | null): number {
  const { least, most, byDefault } = INTAKE.messageBytes;
  try {
    const settings = JSON.parse((settingsText ?? '').replace(/^\ufeff/, '')) as {
      server?: { maxMessageBytes?: unknown } | null;
    } | null;
    const value = settings?.server?.maxMessageBytes;
    const bytes = typeof value === 'string' ? Number(value) : value;
    return typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= least && bytes <= most ? bytes : byDefault;
  } catch {
    // The program tells of a file that it cannot read; it runs with the default meanwhile.
    return byDefault;
  }
}
