import type { HopAttempt, Verdict } from '../../shared/mail.ts';
import type { Delivery, OutgoingRecipient, StepResult, MessageInDelivery } from '../../main/delivery/delivery-port.ts';
import type { PlanStep } from '../../main/policy/model.ts';
import { hopKey, NO_OTHER_HOP, orderHops } from '../../main/policy/unknown-outcome.ts';

/** What the world says to one recipient at one step. */
export type Script = (step: PlanStep, rcptTo: string) => Verdict | Promise<Verdict>;

export const accepted: Verdict = { kind: 'delivered', reply: { code: 250, text: 'ok' } };
export const refused: Verdict = {
  kind: 'rejected',
  scope: 'recipient',
  status: '5.1.1',
  reply: { code: 550, enhanced: '5.1.1', text: 'no such user' },
};
export const later: Verdict = {
  kind: 'deferred',
  scope: 'recipient',
  status: '4.2.0',
  why: 'reply',
  reply: { code: 450, text: 'later' },
};
export const silent: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' };
/** No name is known on this network. */
export const nameless: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.3', why: 'no-names' };
export const unsure: Verdict = { kind: 'deferred', scope: 'host', status: '4.4.2', why: 'lost-after-dot' };

/** A delivery whose world is a script: for the engine's own behaviour, where servers and networks only stand in the way. */
export class ScriptedDelivery implements Delivery {
  /** Every step that was taken: "direct example.test -> ann@example.test". */
  readonly taken: string[] = [];
  /** Deliveries that were accepted, by recipient: more than one is a duplicate. */
  readonly accepted = new Map<string, number>();
  /** Questions that the script has not answered yet. */
  readonly open = new Set<object>();
  probes = 0;
  /** Which gateways were probed, each time. */
  readonly probed: (readonly string[] | 'all')[] = [];
  forgotten = 0;
  readonly credentials: string[] = [];
  readonly changes: (readonly string[])[] = [];
  /** Addresses that connections were to be bound to, at every drop. */
  readonly dropped: (readonly string[])[] = [];
  #script: Script;
  #namesBack = new Set<() => void>();
  #hopWorks = new Set<(key: string) => void>();

  constructor(script: Script) {
    this.#script = script;
  }

  /** From now on the world is another. */
  become(script: Script): void {
    this.#script = script;
  }

  hopWorks(key: string): void {
    for (const listener of this.#hopWorks) listener(key);
  }

  /** Names are known again that mail waited for. */
  namesBack(): void {
    for (const listener of this.#namesBack) listener();
  }

  async run(
    step: PlanStep,
    message: MessageInDelivery,
    recipients: readonly OutgoingRecipient[],
    signal: AbortSignal,
  ): Promise<StepResult> {
    const where = step.kind === 'gateways' ? `gateways ${step.ids.join(' ')}` : `${step.kind} ${step.domain}`;
    const hop: HopAttempt['hop'] =
      step.kind === 'gateways'
        ? {
            kind: 'gateway',
            host: `${step.ids[0] ?? ''}.test`,
            port: 587,
            gatewayId: step.ids[0] ?? '',
            gatewayName: step.ids[0] ?? '',
          }
        : { kind: step.kind === 'lan' ? 'lan' : 'mx', host: `mx.${step.domain}`, port: 25 };
    const verdicts = new Map<number, Verdict>();
    const tries: StepResult['tries'][number][] = [];
    let told = 0;
    const row = (): void => {
      const outcomes = [...verdicts].slice(told).map(([recipient, verdict]) => ({ recipient, verdict }));
      told = verdicts.size;
      tries.push({ hop, startedAt: 0, endedAt: 1, phase: 'final', tls: null, outcomes });
    };
    if (step.kind !== 'gateways') {
      // One host, as far as it may be used: `only` says for whom.
      const { sure, doubtful } = orderHops([hop], hopKey, step.doubts ?? {});
      const usable = [...(step.only === 'doubtful' ? [] : sure), ...(step.only === 'sure' ? [] : doubtful)];
      if (usable.length === 0) return outOfHops(step.kind, recipients);
    }
    if (!(await message.progress.begin(signal))) {
      const unwanted: Verdict = { kind: 'deferred', scope: 'local', status: '4.3.0', why: 'local' };
      return {
        tries: [],
        verdicts: new Map(recipients.map((r) => [r.id, unwanted])),
        errorKinds: new Map(),
        waitsFor: new Map(),
        nothingReached: true,
        dsnPassedOn: new Set(),
      };
    }
    // As the real one: it was cut off while it waited, and nothing was sent.
    signal.throwIfAborted();
    for (const r of recipients) {
      this.taken.push(`${where} -> ${r.rcptTo}`);
      const question = {};
      this.open.add(question);
      const verdict = await this.#script(step, r.rcptTo);
      this.open.delete(question);
      verdicts.set(r.id, verdict);
      if (verdict.kind !== 'delivered') continue;
      const key = `${message.id} ${r.rcptTo}`;
      this.accepted.set(key, (this.accepted.get(key) ?? 0) + 1);
      if (verdicts.size === recipients.length) continue;
      row();
      await message.progress.accepted({ tries, verdicts, dsnPassedOn: new Set() });
    }
    row();
    if (![...verdicts.values()].some((v) => v.kind === 'delivered')) message.progress.nobodyAccepted();
    const key = step.kind === 'gateways' ? `gateway:${step.ids[0] ?? ''}` : `mx:${step.domain}`;
    const atFault = [...verdicts].filter(
      ([, v]) => v.kind === 'deferred' && (v.scope === 'host' || v.scope === 'gateway'),
    );
    const failed = [...verdicts].filter(([, v]) => v.kind !== 'delivered');
    return {
      tries,
      verdicts,
      errorKinds: new Map(
        step.kind === 'gateways'
          ? []
          : failed.map(([id]) => [id, step.kind === 'lan' ? ('lan' as const) : ('smtp' as const)]),
      ),
      waitsFor: new Map(atFault.map(([id]) => [id, key])),
      nothingReached:
        step.kind === 'gateways'
          ? atFault.length === recipients.length
          : atFault.length > 0 && atFault.every(([, v]) => v === nameless),
      dsnPassedOn: new Set(),
    };
  }

  busyDomains(): readonly string[] {
    return [];
  }
  networkChanged(addresses: readonly string[]): void {
    this.changes.push(addresses);
  }
  dropConnections(addresses: readonly string[]): void {
    this.dropped.push(addresses);
  }
  forgetFailures(): void {
    this.forgotten += 1;
  }
  async probeGateways(_signal: AbortSignal, only?: readonly string[]): Promise<void> {
    this.probes += 1;
    this.probed.push(only ?? 'all');
    return Promise.resolve();
  }
  async credentialsChanged(gatewayId: string): Promise<void> {
    this.credentials.push(gatewayId);
    return Promise.resolve();
  }
  gatewayStates(): readonly [] {
    return [];
  }
  async testGateway(): Promise<readonly []> {
    return Promise.resolve([]);
  }
  onHopWorks(listener: (hopKey: string) => void): () => void {
    this.#hopWorks.add(listener);
    return () => this.#hopWorks.delete(listener);
  }
  onGatewaysChanged(): () => void {
    return () => undefined;
  }
  readonly names = {
    trouble: () => null,
    onChange: () => () => undefined,
    onBack: (listener: () => void) => {
      this.#namesBack.add(listener);
      return () => this.#namesBack.delete(listener);
    },
  };
  async close(): Promise<void> {
    return Promise.resolve();
  }
}

function outOfHops(kind: 'direct' | 'lan', recipients: readonly OutgoingRecipient[]): StepResult {
  return {
    tries: [],
    verdicts: new Map(recipients.map((r) => [r.id, NO_OTHER_HOP])),
    errorKinds: new Map(recipients.map((r) => [r.id, kind === 'lan' ? 'lan' : 'smtp'])),
    waitsFor: new Map(),
    nothingReached: false,
    dsnPassedOn: new Set(),
  };
}
