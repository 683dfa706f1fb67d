import type { StoreError, StoreRecovery } from '../queue/queue-store.ts';

/** What parts report to those that are built after them; connect.ts says who hears it. */
export interface ProgramSignals {
  /** The queue cannot be used; it is being reopened. */
  readonly 'store-lost': StoreError;
  readonly 'store-reopened': StoreRecovery;
  /** There is room on the disk after there was none. */
  readonly 'disk-has-room': undefined;
  /** A message could not be taken for want of room. */
  readonly 'disk-full': undefined;
  /** A message was accepted by the listener, and is claimed already or not. */
  readonly 'mail-accepted': undefined;
  /** A message waits in the queue that nobody has claimed. */
  readonly 'mail-waits': undefined;
  /** What is kept for this gateway can be used again. */
  readonly 'credentials-back': { readonly gatewayId: string };
}
