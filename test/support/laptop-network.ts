/**
 * For tests of a program in a network laboratory: each has a laboratory of its own, which ends with it, and so does all that
 * was started there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe } from 'vitest';
import { keepDuringTest, keepUntilEnd } from './kept.ts';
import {
  bundleProgram,
  startGateway,
  startProgramInLab,
  type Gateway,
  type ProgramBundle,
  type ProgramInLab,
} from './laptop.ts';
import {
  createNetworkLab,
  HEAD_OFFICE,
  labMissing,
  networkOf,
  NO_SYSTEM_BUS,
  type Isp,
  type NetworkLab,
} from './netns.ts';
import { bundleNetworkChild, watchNetworkChild, type NetworkWatch } from './network-watch.ts';

/** Customers of a gateway that takes mail from any network. */
export const EVERYBODY = '0.0.0.0/0';

/** describe(), left out where a laboratory, or what else is needed, is missing; says so. `further`: why that is, or null. */
export function describeInLab(further: string | null = null) {
  const missing = labMissing() ?? further;
  if (missing !== null) console.warn(`network laboratory skipped: ${missing}`);
  return describe.skipIf(missing !== null);
}

export interface LaptopNetwork {
  /** The laboratory of the test that runs. */
  readonly lab: NetworkLab;
  /** Closes it after the test, the last first, and before the laboratory. */
  readonly keep: ReturnType<typeof keepDuringTest>;
  /** Starts the whole program, but for its shell, in the laptop. */
  program(settings: object, env?: Readonly<Record<string, string>>): Promise<ProgramInLab>;
  /** Starts the network monitor alone in the laptop. */
  monitor(env?: Readonly<Record<string, string>>): Promise<NetworkWatch>;
  /** Starts a provider's gateway; its customers are those in its own network. */
  gateway(isp: Isp, options?: { readonly customers?: string; readonly mute?: string }): Promise<Gateway>;
  /** Starts the gateway that only the VPN leads to; it listens before there is a VPN. */
  headOffice(): Promise<Gateway>;
  /** Settings `gateways`: all mail goes through the gateways of these providers, the first before the others. */
  through(...isps: readonly Isp[]): Readonly<Record<string, unknown>>;
}

/** A link that was lost just now has to be up for this long (ms), a little more in fact, to be taken for settled. */
const HELD_MS = 650;

/**
 * Pulls and plugs the cable of provider a 20 times in 10 s; `at` is run after each change. Resolves with how often a machine
 * that is busy pulled it so late that the link had held, and was rightly taken for settled.
 */
export async function flap(lab: NetworkLab, at: (change: number) => Promise<void> = () => Promise.resolve()) {
  const began = Date.now();
  let upAt = began;
  let held = 0;
  for (let change = 0; change < 20; change += 1) {
    await lab.plug(change % 2 === 0 ? null : 'a');
    if (change % 2 === 1) upAt = Date.now();
    else if (change > 0 && Date.now() - upAt > HELD_MS) held += 1;
    await at(change);
    await pause(Math.max(0, began + (change + 1) * 500 - Date.now()));
  }
  return held;
}

/** To be called in a describe(): makes a laboratory, nothing plugged in, before each of its tests. */
export function laptopNetwork(): LaptopNetwork {
  const keepBundle = keepUntilEnd();
  const keep = keepDuringTest();
  let current: NetworkLab | undefined;
  let program: Promise<ProgramBundle> | undefined;
  let monitor: ReturnType<typeof bundleNetworkChild> | undefined;
  beforeEach(async () => {
    current = keep(await createNetworkLab());
  });
  const lab = (): NetworkLab => {
    if (current === undefined) throw new Error('The laboratory is there during a test only.');
    return current;
  };
  return {
    get lab() {
      return lab();
    },
    keep,
    async program(settings, env) {
      program ??= bundleProgram().then(keepBundle);
      return keep(await startProgramInLab(lab(), await program, settings, env));
    },
    async monitor(env) {
      monitor ??= bundleNetworkChild().then(keepBundle);
      const { file } = await monitor;
      const given = Object.entries({ ...NO_SYSTEM_BUS, ...env }).map(([name, value]) => `${name}=${value}`);
      const child = lab().start(lab().laptop, '/usr/bin/env', [...given, process.execPath, file]);
      return keep(await watchNetworkChild(child));
    },
    gateway(isp, { customers = networkOf(lab().isps[isp]), ...options } = {}) {
      const { namespace, gateway: address } = lab().isps[isp];
      return startGateway(lab(), { namespace, address, customers }, options);
    },
    async headOffice() {
      const { namespace } = lab().isps.b;
      await lab().shell(namespace, 'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind');
      return startGateway(lab(), { namespace, address: HEAD_OFFICE, customers: EVERYBODY });
    },
    through: (...isps) => ({
      mode: 'always',
      list: isps.map((id) => ({ id, name: `Provider ${id}`, host: lab().isps[id].gateway })),
    }),
  };
}
