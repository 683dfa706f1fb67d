/**
 * The only list of calls and events between the program and its faces: the windows (over IPC) and the command line
 * (over the control socket). Inputs are parsed on arrival with the schema here; outputs are plain data.
 */
import * as z from 'zod';
import type { Folder, FolderCounts, MessageDetails, MessageRow, Phrase } from './mail.ts';
import { FOLDERS, SORT_KEYS, type SortKey } from './mail.ts';
import type { Result } from './result.ts';
import type { GatewaySettings, Settings, SettingsProblem } from './settings.ts';
import { gatewaySchema } from './settings.ts';
import type { AppStatus, GatewayState, Link, NamesTrouble, NetworkState } from './status.ts';

const queueId = z.string().regex(/^[A-Za-z0-9-]{1,64}$/);
const ids = z.array(queueId).max(100000);
const folder = z.enum(FOLDERS as readonly [Folder, ...Folder[]]);
const nothing = z.object({}).prefault({});
const address = z.string().trim().min(1).max(320);

export { SORT_KEYS, type SortKey };

/** Which rows of the message table. */
export const listQuerySchema = z.object({
  folder,
  /** Words looked for in subject, addresses and servers' words. */
  search: z.string().max(200).default(''),
  sort: z.enum(SORT_KEYS).default('age'),
  descending: z.boolean().default(true),
  offset: z.number().int().min(0).max(100_000_000).default(0),
  limit: z.number().int().min(1).max(1000).default(100),
});
export type ListQuery = z.output<typeof listQuerySchema>;

/** A set of messages: listed ones, all of a folder that match a search, or all that were deleted in a span of time. */
export const selectionSchema = z.union([
  z.object({ ids }),
  z.object({ folder, search: z.string().max(200).default(''), except: ids.default([]) }),
  /** Both ends belong to it. What `queue.delete` names for its undo, however many messages it moved. */
  z.object({ deletedFrom: z.number().int(), deletedTo: z.number().int() }),
]);
export type Selection = z.output<typeof selectionSchema>;

export interface ListPage {
  readonly total: number;
  readonly rows: readonly MessageRow[];
}

export interface TestStep {
  readonly step: 'dns' | 'connect' | 'tls' | 'sign-in' | 'transaction';
  readonly ok: boolean | null; // null: not reached or not needed
  readonly phrase: Phrase;
  /** The server's words, without secrets. */
  readonly detail: string | null;
  readonly ms: number;
}

export interface KnownNetwork {
  readonly id: string;
  /** As the system names it. */
  readonly systemName: string | null;
  /** As the user named it. */
  readonly givenName: string | null;
  readonly lastSeen: number;
  readonly current: boolean;
  /** Direct delivery (port 25) is known to be blocked here. */
  readonly directBlocked: boolean;
  /** Why mail that goes directly waits for names here; absent: none does, or it is not the present network. */
  readonly names?: NamesTrouble['reason'];
}

export interface ActivityPoint {
  /** Start of the bucket. */
  readonly at: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly deferred: number;
}

export interface Activity {
  readonly bucketMs: number;
  readonly points: readonly ActivityPoint[];
  readonly networkChanges: readonly { readonly at: number; readonly name: string | null }[];
}

export interface DiscoveredGateway {
  /** `autoconfig`: a document of the domain's own web server; `database`: one about many providers, by others. */
  readonly source: 'provider-list' | 'autoconfig' | 'database' | 'srv' | 'guess';
  readonly gateway: GatewaySettings;
  /**
   * The server lies outside of the address's domain, and nothing proves that the domain named it (RFC 6186 §6): nothing is
   * tested there, and no password asked for it, before the user has confirmed it.
   */
  readonly outside: boolean;
}

export interface InvalidAddress {
  readonly address: string;
  readonly reply: string;
  readonly at: number;
  readonly count: number;
}

export interface AttachmentInfo {
  readonly index: number;
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

export interface MessagePreview {
  readonly text: string | null;
  /** Sanitised by where it is shown (sandboxed frame), never trusted. */
  readonly html: string | null;
  readonly attachments: readonly AttachmentInfo[];
  readonly truncated: boolean;
}

export interface DkimRecord {
  readonly name: string;
  readonly value: string;
}

/** One call: the schema of its input; its output type is carried along for the compiler only. */
export interface Method<In extends z.ZodType, Out> {
  readonly input: In;
  /** Phantom: never set. */
  readonly output?: Out;
}
function method<Out>() {
  return <In extends z.ZodType>(input: In): Method<In, Out> => ({ input });
}

/** Calls that engine and command line share: plain Node, no windows needed. */
export const engineMethods = {
  'status.get': method<AppStatus>()(nothing),
  'queue.folders': method<FolderCounts>()(nothing),
  'queue.list': method<ListPage>()(listQuerySchema),
  'queue.show': method<MessageDetails>()(z.object({ id: queueId })),
  /** Raw bytes as base64, at most 1 MiB a call. */
  'queue.raw': method<{ readonly total: number; readonly base64: string }>()(
    z.object({
      id: queueId,
      offset: z.number().int().min(0).default(0),
      length: z
        .number()
        .int()
        .min(1)
        .max(1024 * 1024)
        .default(1024 * 1024),
    }),
  ),
  'queue.preview': method<MessagePreview>()(z.object({ id: queueId })),
  /**
   * Try again: from Bad or Bounced only the recipients that failed (spec §2); from Outbox those that wait, at once. A
   * recipient that is with a server is left to its attempt; `sending`: messages of which there was nobody else.
   */
  'queue.retry': method<{ readonly count: number; readonly sending: number }>()(
    z.object({ selection: selectionSchema, throughGateway: z.string().max(64).optional() }),
  ),
  /**
   * To Deleted, or for good what is there. `forGood` is what the user was told: messages that are not in Deleted then stay,
   * or those that are. Absent: each by where it is, a folder by its name. `undo`: what to restore to take it back, null if
   * nothing can be. `sending`: moved while they were being sent; what a server takes then is delivered, nothing more is
   * tried. `kept`: not deleted for good, since they are being sent; not in `count`.
   */
  'queue.delete': method<{
    readonly count: number;
    readonly undo: Selection | null;
    readonly sending: number;
    readonly kept: number;
  }>()(z.object({ selection: selectionSchema, forGood: z.boolean().optional() })),
  /** Undo of delete. */
  'queue.restore': method<{ readonly count: number }>()(z.object({ selection: selectionSchema })),
  'queue.markSeen': method<{ readonly count: number }>()(z.object({ selection: selectionSchema })),
  /**
   * In one step: a new message with the same bytes goes to `recipients`, and those recipients of the old one that `replaces`
   * names by id are closed; so is one that is still to get it and whose address is among `recipients`. Nobody else is
   * touched. The old message moves to Deleted once all of its recipients were replaced. Nothing is done, with code
   * `in-flight`: one of them is with a server at this moment; `settled`: one that `replaces` names has got it, or was
   * replaced before.
   */
  'queue.resend': method<{ readonly id: string }>()(
    z.object({
      id: queueId,
      replaces: z.array(z.number().int().nonnegative()).max(100_000),
      recipients: z.array(address).min(1).max(1000),
    }),
  ),
  /** A small message of our own, to see whether mail goes through (spec §9). */
  'queue.submitTest': method<{ readonly id: string }>()(
    z.object({ from: address, to: address, language: z.enum(['en', 'de']).default('en') }),
  ),
  'queue.activity': method<Activity>()(z.object({ span: z.enum(['hour', 'day', 'month']).default('hour') })),
  'queue.invalidAddresses': method<{ readonly rows: readonly InvalidAddress[] }>()(nothing),
  'queue.clearInvalidAddresses': method<{ readonly count: number }>()(nothing),
  'control.sendNow': method<{ readonly count: number; readonly phrase: Phrase }>()(nothing),
  'control.pause': method<{ readonly paused: boolean }>()(nothing),
  'control.resume': method<{ readonly paused: boolean }>()(nothing),
  'control.dismissProblem': method<Record<string, never>>()(z.object({ id: z.string().max(200) })),
  'settings.get': method<Settings>()(nothing),
  /** Sets values by dotted path, all or none; nothing invalid is saved. */
  'settings.set': method<
    | { readonly saved: true; readonly settings: Settings }
    | { readonly saved: false; readonly problems: readonly SettingsProblem[] }
  >()(
    z.object({
      changes: z
        .array(z.object({ path: z.string().min(1).max(200), value: z.unknown() }))
        .min(1)
        .max(200),
    }),
  ),
  /** The user decides: what stands in the place of values that cannot be read is saved, and the queue goes on. */
  'settings.goOn': method<Record<string, never>>()(nothing),
  'settings.export': method<{ readonly json: string }>()(nothing),
  'settings.import': method<
    | { readonly saved: true; readonly settings: Settings }
    | { readonly saved: false; readonly problems: readonly SettingsProblem[] }
  >()(z.object({ json: z.string().max(16 * 1024 * 1024) })),
  /**
   * Stores (or with null removes) a gateway's password. `acceptObfuscated`: the user was asked and agreed.
   * `gateway`: what it is given for, where that is saved after the password, so that it is never tried without; absent = the
   * saved one. It goes nowhere else (shared/secret-binding.ts).
   */
  'secrets.set': method<{ readonly stored: boolean; readonly needsConsent: boolean }>()(
    z.object({
      gatewayId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      secret: z.string().min(1).max(10000).nullable(),
      acceptObfuscated: z.boolean().default(false),
      gateway: gatewaySchema.optional(),
    }),
  ),
  'gateways.states': method<{ readonly states: readonly GatewayState[] }>()(nothing),
  /** `secret` absent: the stored one is used, if it was given for this very server. */
  'gateways.test': method<{ readonly ok: boolean; readonly steps: readonly TestStep[] }>()(
    z.object({ gateway: gatewaySchema, secret: z.string().max(10000).optional() }),
  ),
  'gateways.discover': method<{ readonly found: readonly DiscoveredGateway[] }>()(z.object({ address })),
  /**
   * OAuth 2 in the system browser; takes as long as the user does (at most 5 minutes). The gateway must be saved. A secret of
   * the client (Google wants one even of programs) is kept with the tokens; absent = the one that is kept.
   */
  'gateways.signIn': method<{ readonly signedIn: boolean; readonly needsConsent: boolean; readonly phrase: Phrase }>()(
    z.object({
      gatewayId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
      clientSecret: z.string().trim().min(1).max(1000).optional(),
      acceptObfuscated: z.boolean().default(false),
    }),
  ),
  /** Forgets the tokens, and tells the provider so where it can be told. */
  'gateways.signOut': method<{ readonly phrase: Phrase }>()(
    z.object({ gatewayId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
  ),
  'networks.current': method<NetworkState>()(nothing),
  'networks.list': method<{ readonly networks: readonly KnownNetwork[] }>()(nothing),
  'networks.forget': method<Record<string, never>>()(z.object({ id: z.string().max(200) })),
  'networks.retestDirect': method<{ readonly phrase: Phrase }>()(nothing),
  'dialUp.connections': method<{ readonly links: readonly Link[]; readonly configured: readonly string[] }>()(nothing),
  'server.setPassword': method<Record<string, never>>()(
    z.object({ name: z.string().trim().min(1).max(200), password: z.string().min(1).max(1000).nullable() }),
  ),
  'server.usePort': method<{ readonly port: number }>()(z.object({ port: z.number().int().min(1).max(65535) })),
  'security.makeDkimKey': method<DkimRecord>()(
    z.object({ domain: z.string().trim().min(1).max(253), selector: z.string().trim().min(1).max(63) }),
  ),
  'security.dkimRecord': method<DkimRecord>()(
    z.object({ domain: z.string().trim().min(1).max(253), selector: z.string().trim().min(1).max(63) }),
  ),
  /** Looks into the sendmail drop folder now. */
  'control.pickup': method<{ readonly count: number }>()(nothing),
  'app.quit': method<Record<string, never>>()(nothing),
} as const;

/** Calls that only a window can make: they show dialogs or open folders. */
export const windowMethods = {
  'app.saveMessage': method<{ readonly saved: boolean }>()(z.object({ id: queueId })),
  'app.saveAttachment': method<{ readonly saved: boolean }>()(
    z.object({ id: queueId, index: z.number().int().min(0).max(10000) }),
  ),
  'app.saveText': method<{ readonly saved: boolean }>()(
    z.object({ suggestedName: z.string().max(100), text: z.string().max(32 * 1024 * 1024) }),
  ),
  'app.openText': method<{ readonly text: string | null }>()(nothing),
  'app.openLogs': method<Record<string, never>>()(nothing),
  'app.openSettings': method<Record<string, never>>()(z.object({ page: z.string().max(40).default('gateways') })),
  'app.openExternal': method<Record<string, never>>()(
    z.object({
      url: z
        .string()
        .max(2000)
        .regex(/^(https?:\/\/|mailto:)/i),
    }),
  ),
  'app.copy': method<Record<string, never>>()(z.object({ text: z.string().max(1024 * 1024) })),
} as const;

export const methods = { ...engineMethods, ...windowMethods } as const;

export type EngineMethodName = keyof typeof engineMethods;
export type WindowMethodName = keyof typeof windowMethods;
export type MethodName = keyof typeof methods;

type Definition<M extends MethodName> = (typeof methods)[M];
/** What the caller writes (defaults may be left out). */
export type Input<M extends MethodName> = z.input<Definition<M>['input']>;
/** What the handler gets, parsed. */
export type Parsed<M extends MethodName> = z.output<Definition<M>['input']>;
export type Output<M extends MethodName> = Definition<M> extends Method<z.ZodType, infer Out> ? Out : never;

/** The engine's side of the contract. */
export type EngineApi = { readonly [M in EngineMethodName]: (input: Parsed<M>) => Promise<Result<Output<M>>> };
/** The shell's side of the contract. */
export type WindowApi = { readonly [M in WindowMethodName]: (input: Parsed<M>) => Promise<Result<Output<M>>> };

/** Events to the windows; coalesced, about 4 a second. They carry no data worth a race: re-read. */
export interface Events {
  readonly 'queue:changed': Record<string, never>;
  readonly 'status:changed': AppStatus;
  readonly 'settings:changed': Record<string, never>;
  readonly 'gateways:changed': Record<string, never>;
  /** Show this message (a notification was clicked). */
  readonly 'window:show-message': { readonly id: string };
  /** Show this settings page. */
  readonly 'window:show-page': { readonly page: string };
}
export type EventName = keyof Events;

/** What the preload script puts on `window.postcast`. */
export interface Bridge {
  call<M extends MethodName>(name: M, input: Input<M>): Promise<Result<Output<M>>>;
  /** Returns its unsubscribe. */
  on<E extends EventName>(name: E, listener: (payload: Events[E]) => void): () => void;
}
