/** `node scripts/soak.mjs`: one soak from the command line. Ends with 0 if nothing was violated. */
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Ledger } from './ledger.ts';
import { RULES } from './rules.ts';
import { runSoak, type SoakResult } from './soak.ts';
import { createRealHouse } from './real-house.ts';
import { createVirtualHouse } from './virtual-house.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    'virtual-hours': { type: 'string' },
    diary: { type: 'string' },
    without: { type: 'string', multiple: true },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const say = (words: string): void => {
  process.stdout.write(`${words}\n`);
};

function tell(result: SoakResult): void {
  const { violations } = result;
  say(
    `${result.letters} messages for ${result.people} recipients, ${result.arrivals} arrivals, ${result.duplicates} of them explained duplicates; ` +
      `${result.actions} actions, ${result.kills} kills; digest ${result.digest.slice(0, 16)}`,
  );
  for (const [rule, words] of Object.entries(RULES)) {
    const broken = violations.filter((v) => v.rule === rule);
    if (broken.length === 0) continue;
    say(`\n${rule}: ${words}: ${broken.length} times`);
    for (const { at, what } of broken.slice(0, 5)) say(`  ${(at / 1000).toFixed(3)} s: ${what}`);
  }
  say(
    violations.length === 0 ? 'Nothing was violated.' : `\n${violations.length} violations. Again with: --seed ${seed}`,
  );
}

const file = values.diary === undefined ? null : createWriteStream(values.diary);
let diary: readonly string[] = [];
const watch = (ledger: Ledger): void => {
  ({ diary } = ledger);
  ledger.onLine = (line) => void file?.write(`${line}\n`);
};
let ended = false;
process.on('exit', () => {
  if (ended) return;
  say(`The soak did not come to its end. Its last words:\n${diary.slice(-20).join('\n')}`);
  process.exitCode = 1;
});
say(`seed ${seed}`);
const house = values.minutes === undefined ? createVirtualHouse(seed) : await createRealHouse(seed);
try {
  const ms =
    values.minutes === undefined ? Number(values['virtual-hours'] ?? 2) * 3_600_000 : Number(values.minutes) * 60_000;
  const result = await runSoak(house, {
    seed,
    ms,
    without: values.without ?? [],
    progress: say,
    watch,
  });
  ended = true;
  tell(result);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
} finally {
  await house.close();
}
