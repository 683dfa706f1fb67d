// The wrong provider: the best gateway swallows every packet. Our program beside Postfix with `smtp_fallback_relay` on the
// same set-up, in a network namespace. Needs root and nftables. Run it with `npx tsx test/bench/blackhole.ts`.
import { blackHoleMissing, timeBlackHole, type BlackHoleTimes } from '../support/blackhole.ts';
import { median } from './report.ts';

/** Text for docs/bench.md. */
export function blackHoleTable(program: BlackHoleTimes, postfix: BlackHoleTimes): string {
  const row = (name: string, { first, rest }: BlackHoleTimes): string => {
    const ms = (value: number): string => `${Math.round(value).toLocaleString('en')} ms`;
    return `| ${name} | ${ms(first)} | ${ms(median([...rest]))} | ${ms(Math.max(...rest))} |`;
  };
  return [
    '| | first message at the next gateway | following ones, median | slowest |',
    '| --- | ---: | ---: | ---: |',
    row('PostCast Server', program),
    row('Postfix, `smtp_fallback_relay`', postfix),
  ].join('\n');
}

const missing = blackHoleMissing();
if (missing !== null) throw new Error(missing);
const program = await timeBlackHole('program');
const postfix = await timeBlackHole('postfix');
process.stdout.write(`${blackHoleTable(program, postfix)}\n`);
