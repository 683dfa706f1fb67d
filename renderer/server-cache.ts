/**
 * The engine's answers, one copy for the whole window (TanStack Query): asked for once, kept while a component shows them,
 * asked for again when an event says that they have changed.
 */
import { notifyManager, QueryClient, useQuery, type DataTag, type QueryKey } from '@tanstack/react-query';
import type { Bridge, EventName, Input, MethodName, Output } from '../shared/ipc-contract.ts';
import type { Failure } from '../shared/result.ts';
import { useBridge } from './bridge.ts';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: CallError;
  }
}

/** A call that answered with a failure; TanStack Query knows failures as thrown errors only. */
class CallError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Which answers an event makes out of date. */
const AFFECTED: Readonly<Partial<Record<EventName, readonly MethodName[]>>> = {
  'queue:changed': ['queue.list', 'queue.folders', 'queue.show', 'queue.activity', 'queue.invalidAddresses'],
  'gateways:changed': ['gateways.states'],
  'settings:changed': ['settings.get', 'gateways.states', 'networks.list'],
  'status:changed': ['networks.list'],
};

/** How long an answer that was asked for before anything shows it is kept, ms. */
const KEEP_PREFETCHED_MS = 10_000;

/** @param bridge whose events the answers follow from now on, for as long as the window lives */
export function createServerCache(bridge: Bridge): QueryClient {
  // In the same task as the answer or the click, so that no frame shows what was before.
  notifyManager.setScheduler(queueMicrotask);
  const cache = new QueryClient({
    defaultOptions: {
      queries: {
        // The engine is on this computer: it answers without a network, and what it refuses it refuses again.
        networkMode: 'always',
        retry: false,
        // Events say when something changes; nothing gets out of date by itself.
        staleTime: Infinity,
        gcTime: 0,
        refetchOnWindowFocus: false,
      },
      mutations: { networkMode: 'always' },
    },
  });
  // Kept while nothing shows them: no call would bring them again.
  for (const key of ['status.get', 'queue.visible']) cache.setQueryDefaults([key], { gcTime: Infinity });
  for (const [event, methods] of Object.entries(AFFECTED)) {
    bridge.on(event as EventName, () => {
      // What the user has just clicked is newer than an answer that comes while it is saved.
      const saving = cache.isMutating() > 0;
      void cache.invalidateQueries({
        predicate: ({ queryKey: [method, , pace] }) =>
          methods.some((name) => name === method) && pace === 'live' && !(saving && method === 'settings.get'),
      });
    });
  }
  bridge.on('status:changed', (status) => {
    setAnswer(cache, answerQuery(bridge, 'status.get', {}).queryKey, () => status);
  });
  return cache;
}

/** Puts something newer in the place of an answer, and of one that is under way. */
export function setAnswer<T>(
  cache: QueryClient,
  queryKey: AnswerQuery<T>['queryKey'],
  change: (old: T | undefined) => T | undefined,
): void {
  void cache.cancelQueries({ queryKey });
  cache.setQueryData<T>(queryKey, change);
}

/** The value of a call. @throws CallError */
export async function valueOf<M extends MethodName>(bridge: Bridge, name: M, input: Input<M>): Promise<Output<M>> {
  const result = await bridge.call(name, input);
  if (!result.ok) throw new CallError(result.error);
  return result.value;
}

/** A query as TanStack Query takes it. */
export interface AnswerQuery<T> {
  readonly queryKey: DataTag<QueryKey, T, CallError>;
  readonly queryFn: () => Promise<T>;
}

/**
 * The query for one call.
 * @param pace `live`: follows events; `interval`: asked for again after a time only
 */
export function answerQuery<M extends MethodName>(
  bridge: Bridge,
  name: M,
  input: Input<M>,
  pace: 'live' | 'interval' = 'live',
): AnswerQuery<Output<M>> {
  return {
    queryKey: [name, input, pace] as QueryKey as AnswerQuery<Output<M>>['queryKey'],
    queryFn: () => valueOf(bridge, name, input),
  };
}

const ignore = () => undefined;

/** Asks for an answer before the component that will show it is drawn; if there is none, the component asks again. */
export function prefetch<T>(cache: QueryClient, query: AnswerQuery<T>): Promise<void> {
  return cache.query({ ...query, gcTime: KEEP_PREFETCHED_MS }).then(ignore, ignore);
}

/** What is known of an answer. `value` stays while a newer one is being fetched, and when that fails. */
export interface Answer<T> {
  readonly value: T | null;
  readonly failure: Failure | null;
  readonly reload: () => void;
}

/**
 * The answer to a call, up to date.
 * @param input null = do not call (yet)
 * @param everyMs asked for again after this time while the window is visible, instead of with the engine's events
 */
export function useAnswer<M extends MethodName>(name: M, input: Input<M> | null, everyMs?: number): Answer<Output<M>> {
  const bridge = useBridge();
  const { data, error, refetch } = useQuery({
    ...answerQuery(bridge, name, input ?? ({} as Input<M>), everyMs === undefined ? 'live' : 'interval'),
    enabled: input !== null,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
  return { value: data ?? null, failure: error?.failure ?? null, reload: () => void refetch() };
}
