// Our program beside Postfix under the same loads, and beside an empty Electron tray program. Started by
// `npm run bench`, which builds first and finds the runtime. docs/bench.md says what is measured and why so.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startXvfb } from '../support/xvfb.ts';
import { startEmptyTray, startProgram, type ElectronSetting } from './electron.ts';
import { latencies, load } from './load.ts';
import { startPostfix, type Subject } from './postfix.ts';
import { pssOf } from './processes.ts';
import { markdown, median, type Round, type Start } from './report.ts';
import { startSink, type Sink } from './smtp-sink.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    starts: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'postfix,program,tray' },
  },
});
const only = values.only.split(',');
const messages = values.quick ? { fresh: 200, kept: 400, single: 10 } : { fresh: 1000, kept: 3000, single: 50 };
const roundCount = Number(values.rounds);
const startCount = Number(values.starts);
/** Long enough for Chromium to have finished what it does after a start. */
const SETTLE_MS = values.quick ? 3000 : 10_000;

const executable = process.env['POSTCAST_TEST_ELECTRON'];
if (executable === undefined) throw new Error('Run it with `npm run bench`.');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

async function round(subject: Subject, sink: Sink): Promise<Round> {
  // The first messages warm it up: processes forked, code compiled.
  await load(subject, sink, Math.round(messages.fresh / 5), false);
  const fresh = await load(subject, sink, messages.fresh, false);
  const kept = await load(subject, sink, messages.kept, true);
  await pause(500);
  const latencyMs = median(await latencies(subject, sink, messages.single));
  const result = {
    accepted: fresh.accepted,
    relayed: fresh.relayed,
    acceptedKept: kept.accepted,
    relayedKept: kept.relayed,
    latencyMs,
    processorMs: fresh.processorMs,
    processorMsKept: kept.processorMs,
  };
  say(
    `  ${subject.name}: accepted ${Math.round(fresh.accepted)}/s, relayed ${Math.round(fresh.relayed)}/s; kept connections ${Math.round(kept.accepted)}/s, ${Math.round(kept.relayed)}/s; one message ${latencyMs.toFixed(1)} ms; processor ${fresh.processorMs.toFixed(2)} and ${kept.processorMs.toFixed(2)} ms a message`,
  );
  return result;
}

async function startAndRest(begin: () => Promise<Subject>): Promise<Start> {
  const subject = await begin();
  try {
    await pause(SETTLE_MS);
    const { bytes, processes } = pssOf(subject.pid);
    say(
      `  ${subject.name}: ${Math.round(subject.startMs)} ms, ${Math.round(bytes / 1e6)} MB in ${processes} processes`,
    );
    return { startMs: subject.startMs, idleBytes: bytes, processes };
  } finally {
    await subject.end();
  }
}

const postfix: Round[] = [];
const program: Round[] = [];
const programStarts: Start[] = [];
const trayStarts: Start[] = [];
const programLoadedBytes: number[] = [];

const display = await startXvfb();
const setting: ElectronSetting = { executable, display: display.display };
const sink = await startSink();
try {
  // Program and yardstick take turns, so that whatever else the machine does meets both.
  for (let i = 0; i < startCount; i++) {
    say(`Start ${i + 1} of ${startCount}`);
    if (only.includes('tray')) trayStarts.push(await startAndRest(() => startEmptyTray(setting)));
    if (only.includes('program')) programStarts.push(await startAndRest(() => startProgram(setting, sink.port)));
  }
  for (let i = 0; i < roundCount; i++) {
    say(`Round ${i + 1} of ${roundCount}`);
    if (only.includes('postfix')) {
      const subject = await startPostfix(sink.port);
      try {
        postfix.push(await round(subject, sink));
      } finally {
        await subject.end();
      }
    }
    if (only.includes('program')) {
      const subject = await startProgram(setting, sink.port);
      try {
        await pause(2000);
        program.push(await round(subject, sink));
        await pause(5000);
        programLoadedBytes.push(pssOf(subject.pid).bytes);
      } finally {
        await subject.end();
      }
    }
  }
} finally {
  await sink.end();
  await display.close();
}

const report = markdown({
  postfix,
  program,
  programStarts,
  trayStarts,
  programLoadedBytes,
  postfixVersion: execFileSync('postconf', ['-dh', 'mail_version'], { encoding: 'utf8' }).trim(),
  electronVersion: process.env['POSTCAST_BENCH_ELECTRON_VERSION'] ?? 'unknown',
  messages,
});
say(`\n${report}\n`);

const complete = [postfix, program, programStarts, trayStarts].every((list) => list.length > 0);
if (!complete || values.quick) say('docs/bench.md is left as it is: this was not a whole run.');
else {
  const page = path.resolve(import.meta.dirname, '../../docs/bench.md');
  const text = readFileSync(page, 'utf8');
  const [begin, end] = ['<!-- figures -->', '<!-- /figures -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`docs/bench.md has no ${begin} … ${end}.`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${report}\n\n${text.slice(to)}`);
  say('Written into docs/bench.md.');
}
