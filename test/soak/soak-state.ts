/** What the actions of a soak work with. */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Chance } from './chance.ts';
import type { House } from './house.ts';
import type { Copy, Ledger } from './ledger.ts';

/** What all actions work with. */
export interface Soak {
  readonly house: House;
  readonly ledger: Ledger;
  readonly chance: Chance;
  readonly state: SoakState;
}

/** What the next actions depend on. */
export interface SoakState {
  letters: number;
  network: { name: string | null; portal: boolean; dialUp: boolean };
  /** settings.json as it was before somebody spoiled it; null = it is well. */
  goodSettings: string | null;
  /** The last undo that the program offered. */
  undo: { readonly selection: Selection; readonly copies: readonly Copy[] } | null;
}
