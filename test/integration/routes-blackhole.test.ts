import { describe, expect, it } from 'vitest';
import { blackHoleMissing, timeBlackHole } from '../support/blackhole.ts';

const missing = blackHoleMissing();

describe.skipIf(missing !== null)(
  `a best gateway that swallows every packet${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('costs the first message under 3 s, and the following ones nothing', async () => {
      const { first, rest } = await timeBlackHole('program', 10);
      expect(first).toBeLessThan(3000);
      expect(rest).toHaveLength(10);
      // Generous for a busy machine: passing the hole by anew would take the head start of 2 s.
      expect(Math.max(...rest)).toBeLessThan(1500);
    });
  },
);
