/** Weeks of queue life on the virtual clock, after random scripts: what must hold whatever happens (spec §4.3, §5, §6). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../shared/mail.ts';
import { MAX_UNKNOWN_OUTCOMES } from '../../../main/policy/unknown-outcome.ts';
import { MODES } from '../../../shared/settings.ts';
import { accepted, later, refused, silent, unsure } from '../../fakes/scripted-delivery.ts';
import { createEngineLab, DAY, gateways, HOME, HOUR, NO_NETWORK } from '../../support/engine-lab.ts';

/** What every server says for a while. */
type Weather = 'accepts' | 'refuses' | 'puts off' | 'silent' | 'loses the reply';
const VERDICTS: Readonly<Record<Weather, Verdict>> = {
  accepts: accepted,
  refuses: refused,
  'puts off': later,
  silent,
  'loses the reply': unsure,
};

type Event =
  | { readonly kind: 'mail'; readonly recipients: number }
  | { readonly kind: 'weather'; readonly weather: Weather }
  | { readonly kind: 'offline' }
  | { readonly kind: 'online'; readonly id: string }
  | { readonly kind: 'mode'; readonly mode: (typeof MODES)[number] }
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'send now' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('mail' as const), recipients: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('weather' as const),
      weather: fc.constantFrom<Weather>('accepts', 'refuses', 'puts off', 'silent', 'loses the reply'),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'offline' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('online' as const), id: fc.constantFrom('home', 'office') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom(...MODES) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('sleep' as const), ms: fc.integer({ min: HOUR, max: 6 * DAY }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'send now' as const }) },
);
/** Events with the hours of ordinary life after each. */
const life = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 30 })), { minLength: 4, maxLength: 14 });

const LIMIT = 4 * DAY;

describe('weeks of queue life', () => {
  it('lose nothing, accept nothing twice, give up nothing early and keep nothing late', async () => {
    const until = Date.now() + Number(process.env['POSTCAST_RUNS_MS'] ?? 8_000);
    await fc.assert(
      fc.asyncProperty(life, async (script) => {
        // A run that does not come to its end must fail, not be cut off: fast-check's own limits do that.
        if (Date.now() > until) return;
        let weather: Weather = 'accepts';
        let network = 'home';
        /** Unknown outcomes by recipient, hop and network. */
        const unknown = new Map<string, number>();
        const lab = await createEngineLab(
          // Reports always arrive: here the mail itself is looked at.
          (step, to) => {
            if (to === 'ann@sender.test') return accepted;
            const key = `${to} ${step.kind === 'gateways' ? (step.ids[0] ?? '') : step.kind} ${network}`;
            if (weather === 'loses the reply') unknown.set(key, (unknown.get(key) ?? 0) + 1);
            return VERDICTS[weather];
          },
          (s) => ({
            ...s,
            // Hourly is dense enough here; the schedule has tests of its own.
            connection: { ...s.connection, retryMinutes: [30, 180] },
            gateways: { ...s.gateways, list: gateways('one', 'two'), domains: ['listed.test'] },
            general: { ...s.general, keepSent: -1, keepDeleted: -1 },
          }),
        );
        try {
          const mail: { id: string; to: readonly string[]; acceptedAt: number }[] = [];
          const now = { online: true };
          const happen = async (e: Event): Promise<void> => {
            switch (e.kind) {
              case 'mail': {
                const n = mail.length;
                const to = Array.from(
                  { length: e.recipients },
                  (_, i) => `r${n}-${i}@${i === 1 ? 'listed' : 'far'}.test`,
                );
                const acceptedAt = lab.clock.now();
                mail.push({ id: await lab.accept(to), to, acceptedAt });
                break;
              }
              case 'weather':
                weather = e.weather;
                break;
              case 'offline':
                now.online = false;
                await lab.network(NO_NETWORK);
                break;
              case 'online':
                now.online = true;
                network = e.id;
                await lab.network({ ...HOME, id: e.id, name: e.id });
                break;
              case 'mode':
                await lab.set((s) => ({ ...s, gateways: { ...s.gateways, mode: e.mode } }));
                break;
              case 'sleep':
                lab.clock.jump(e.ms);
                await lab.engine().wokeUp();
                await lab.settle();
                break;
              case 'crash':
                await lab.crash();
                break;
              case 'send now':
                await lab.engine().sendNow();
                await lab.settle();
                break;
            }
          };
          /** Recipients that were given up, not refused: none before its limit. */
          const givenUpEarly = async (): Promise<readonly string[]> => {
            const early: string[] = [];
            for (const m of mail) {
              if (lab.clock.now() - m.acceptedAt >= LIMIT) continue;
              for (const r of (await lab.store().details(m.id))?.recipients ?? [])
                if (r.status === '4.4.7' && (r.state === 'bounced' || r.state === 'bad')) early.push(r.rcptTo);
            }
            return early;
          };
          for (const [e, hours] of script) {
            await happen(e);
            await lab.advance(hours * HOUR);
            expect(await givenUpEarly()).toEqual([]);
          }

          // Nothing lost: each recipient of each message is there, once.
          for (const m of mail) expect(Object.keys(await lab.states(m.id)).sort()).toEqual([...m.to].sort());
          // Offline for however long, nothing is given up.
          if (!now.online) {
            const before = await lab.counts();
            await lab.advance(5 * DAY);
            expect(await lab.counts()).toEqual(before);
          }
          // With a connection that works, but servers that say nothing, everything comes to its end by its limit.
          weather = 'puts off';
          network = 'home';
          await lab.network(HOME);
          await lab.advance(LIMIT + 12 * HOUR);
          expect((await lab.counts()).outbox).toBe(0);
          // Accepted once at most, and recorded so.
          for (const m of mail) {
            const states = await lab.states(m.id);
            for (const to of m.to) {
              const times = lab.delivery.accepted.get(`${m.id} ${to}`) ?? 0;
              expect(times).toBeLessThanOrEqual(1);
              expect(['delivered', 'relayed'].includes(states[to] ?? '')).toBe(times === 1);
            }
          }
          // Nobody asked for another try: three times by one hop on one network at most.
          expect([...unknown].filter(([, times]) => times > MAX_UNKNOWN_OUTCOMES)).toEqual([]);
          expect(lab.log.lines.filter((line) => line.startsWith('problem'))).toEqual([]);
        } finally {
          await lab.close();
        }
      }),
      {
        numRuns: Number(process.env['POSTCAST_RUNS'] ?? 8),
      },
    );
  }, 600_000);
});
