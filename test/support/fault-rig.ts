/** For the tests of faults: the program, built once for a file; what a test starts or makes ends with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, onTestFinished } from 'vitest';
import { keepUntilEnd } from './kept.ts';
import type { RigSettings } from './program-parts.ts';
import {
  buildProgram,
  startProcess,
  startRig,
  type BuiltProgram,
  type ProgramProcess,
  type ProgramRig,
} from './program-rig.ts';
import { startLoadSink, type LoadSink } from './smtp-load.ts';

/** Settings with which mail is taken and goes nowhere. */
export const NOWHERE = { gateways: { mode: 'always' } };

/** To be called where beforeAll() may be. */
export function builtProgram(): {
  /** As `startRig`. */
  start(options?: Parameters<typeof startRig>[1]): Promise<ProgramRig>;
  /** As `startProcess`. */
  startProcess(profile: string, settings: RigSettings): Promise<ProgramProcess>;
  /** For what must not be ended by the helper: a start that fails, a program that ends at a moment of its own. */
  get(): BuiltProgram;
} {
  const keep = keepUntilEnd();
  let built: BuiltProgram | undefined;
  beforeAll(async () => {
    built = keep(await buildProgram());
  });
  const get = (): BuiltProgram => {
    if (built === undefined) throw new Error('The program is built before the first test.');
    return built;
  };
  return {
    get,
    start: async (options) => endWithTest(await startRig(get(), options)),
    async startProcess(profile, settings) {
      const child = await startProcess(get(), profile, settings);
      onTestFinished(() => child.end());
      return child;
    },
  };
}

/** Closes it when the test is over; the last first. */
export function endWithTest<T extends { close(): unknown }>(thing: T): T {
  onTestFinished(async () => {
    await thing.close();
  });
  return thing;
}

/** A sink of this test. */
export async function loadSink(): Promise<LoadSink> {
  return endWithTest(await startLoadSink());
}

/** A folder of this test. */
export function tempFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'postcast-fault-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** The queue id that a reply names; '' if it names none. */
export function queueId(reply: string): string {
  return /queued as (\S+)/.exec(reply)?.[1] ?? '';
}
