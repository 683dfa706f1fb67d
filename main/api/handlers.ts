import type { EngineApi, EngineMethodName } from '../../shared/ipc-contract.ts';

/** The calls of one area of the contract: `HandlersOf<'queue'>` has every `queue.…`. */
export type HandlersOf<Area extends string> = {
  readonly [M in EngineMethodName as M extends `${Area}.${string}` ? M : never]: EngineApi[M];
};
