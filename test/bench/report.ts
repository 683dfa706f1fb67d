import { cpus, loadavg, release, totalmem } from 'node:os';

/** What one round found out about one subject. */
export interface Round {
  readonly accepted: number;
  readonly relayed: number;
  readonly acceptedKept: number;
  readonly relayedKept: number;
  readonly latencyMs: number;
  readonly processorMs: number;
  readonly processorMsKept: number;
}

/** What one start of an Electron program found out. */
export interface Start {
  readonly startMs: number;
  readonly idleBytes: number;
  readonly processes: number;
}

/** The middle of some numbers; the mean of the two in the middle if there are two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}

/** NaN stands for what was left out of this run. */
const known = (value: number, text: (known: number) => string): string => (Number.isNaN(value) ? '–' : text(value));
const whole = (value: number): string => known(value, (one) => Math.round(one).toLocaleString('en-US'));
const hundredths = (value: number): string => known(value, (one) => one.toFixed(2));
const tenths = (value: number): string => known(value, (one) => one.toFixed(1));

/** Everything that a run of the bench measured. */
export interface Measured {
  readonly postfix: readonly Round[];
  readonly program: readonly Round[];
  readonly programStarts: readonly Start[];
  readonly trayStarts: readonly Start[];
  readonly programLoadedBytes: readonly number[];
  readonly postfixVersion: string;
  readonly electronVersion: string;
  readonly messages: { readonly fresh: number; readonly kept: number; readonly single: number };
}

interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly goal: string;
  readonly met: (ratio: number) => boolean;
  readonly show: (value: number) => string;
}

/** The tables of docs/bench.md, as Markdown. */
export function markdown(measured: Measured): string {
  const of = (rounds: readonly Round[], key: keyof Round): number => median(rounds.map((round) => round[key]));
  const row = (what: string, key: keyof Round, goal: number, better: 'more' | 'less', show = whole): Row => ({
    what,
    ours: of(measured.program, key),
    theirs: of(measured.postfix, key),
    goal: `${better === 'more' ? '≥' : '≤'} ${goal}`,
    met: (value) => (better === 'more' ? value >= goal : value <= goal),
    show,
  });
  const start = (what: string, key: 'startMs' | 'idleBytes', goal: number, show: Row['show']): Row => ({
    what,
    ours: median(measured.programStarts.map((one) => one[key])),
    theirs: median(measured.trayStarts.map((one) => one[key])),
    goal: `≤ ${goal}`,
    met: (value) => value <= goal,
    show,
  });
  const megabytes = (bytes: number): string => known(bytes, (one) => `${Math.round(one / 1e6)} MB`);
  const milliseconds = (value: number): string => known(value, (one) => `${whole(one)} ms`);
  const count = (key: 'programStarts' | 'trayStarts'): number => median(measured[key].map((one) => one.processes));
  const loaded =
    measured.programLoadedBytes.length === 0
      ? ''
      : `\n\nAfter the loads, 5 s idle, the program held ${megabytes(median(measured.programLoadedBytes))}.`;
  return `${describeMachine(measured)}

${table('Postfix', [
  row('accepted/s, 10 sessions, a connection for each message', 'accepted', 3, 'more'),
  row('relayed/s in that load', 'relayed', 1, 'more'),
  row('accepted/s, 10 sessions, kept connections (`smtp-source -d`)', 'acceptedKept', 6, 'more'),
  row('relayed/s in that load', 'relayedKept', 1, 'more'),
  row('processor time per message, fresh connections, ms', 'processorMs', 1, 'less', hundredths),
  row('processor time per message, kept connections, ms', 'processorMsKept', 1, 'less', hundredths),
  row('one message: submit → arrival, ms', 'latencyMs', 1, 'less', tenths),
])}

${table('empty tray', [
  start('idle memory (PSS of all processes), no window', 'idleBytes', 1.15, megabytes),
  start('start → listening', 'startMs', 1.3, milliseconds),
])}

Processes: ${whole(count('programStarts'))} against ${whole(count('trayStarts'))}.${loaded}

Single rounds, accepted/s fresh · relayed/s · accepted/s kept · relayed/s · latency ms:
${rounds('PostCast', measured.program)}
${rounds('Postfix', measured.postfix)}`;
}

function describeMachine({ messages, postfix, programStarts, postfixVersion, electronVersion }: Measured): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${model}, ${Math.round(totalmem() / 1e9)} GB, Linux ${release()}, Node.js ${process.versions.node}, Electron ${electronVersion}, Postfix ${postfixVersion}. Medians of ${postfix.length} rounds (${messages.fresh} messages with fresh connections, ${messages.kept} with kept ones, ${messages.single} single ones) and of ${programStarts.length} starts. Load average at the end: ${loadavg()
    .map((one) => one.toFixed(1))
    .join(', ')}; the bench alone makes about 3.`;
}

function table(other: string, rows: readonly Row[]): string {
  const lines = rows.map(({ what, ours, theirs, goal, met, show }) => {
    const value = ours / theirs;
    return `| ${what} | ${show(ours)} | ${show(theirs)} | ${known(value, (one) => one.toFixed(2))} | ${goal} | ${known(value, (one) => (met(one) ? 'met' : 'missed'))} |`;
  });
  return [`| | PostCast | ${other} | ratio | goal | |`, '|---|--:|--:|--:|--:|---|', ...lines].join('\n');
}

function rounds(name: string, list: readonly Round[]): string {
  const show = (round: Round): string =>
    [round.accepted, round.relayed, round.acceptedKept, round.relayedKept].map(whole).join(' · ') +
    ` · ${tenths(round.latencyMs)}`;
  return list.map((round, i) => `- ${name} ${i + 1}: ${show(round)}`).join('\n');
}
