/** The soak's own judgement: each rule is broken on purpose, and must be seen to be; and the like that is right is let pass. */
import { describe, expect, it } from 'vitest';
import type { MessageDetails, RecipientState } from '../../shared/mail.ts';
import { audit } from './audit.ts';
import { createInternet } from './internet.ts';
import type { Conditions } from './conditions.ts';
import { Ledger, type Letter } from './ledger.ts';
import { letterText } from './letter-text.ts';

const FIRST: Conditions = {
  mode: 'never',
  gateways: [
    { id: 'g0', enabled: true, networks: [], senders: [] },
    { id: 'g1', enabled: true, networks: [], senders: [] },
  ],
  network: 'home',
  portal: false,
  paused: false,
  dialUpRequired: false,
  dialUpActive: false,
  readable: true,
  resolver: 'sane',
  limit: { value: 4, unit: 'days' },
  returnUndeliverable: true,
};
const internet = createInternet((_kind, n) => ({ address: `192.0.2.${n}`, port: 25 }));
const mx = internet.host('mx-d0');
const g0 = internet.host('g0');
const g1 = internet.host('g1');
const ATTEMPT = 60_000;
const TO = 'm1-r0@d0.soak.test';
const SENDER = 's-m1@sender.test';

/** A ledger with one accepted message, a minute ago and more. */
function book(conditions: Partial<Conditions> = {}, notify?: readonly ['never']) {
  let now = 0;
  let ahead = 0;
  const ledger = new Ledger({
    now: () => now,
    wall: () => now + ahead,
    first: { ...FIRST, ...conditions },
    tolerances: { attemptMs: ATTEMPT, unheardMs: 1_000, restMs: 10 },
  });
  const letter: Letter = ledger.handIn('m1', SENDER, [{ address: TO, notify }]);
  ledger.accepted(letter, 'id1');
  const person = ledger.people.get(TO)!;
  const [copy] = person.copies;
  now = 10 * ATTEMPT;
  return {
    ledger,
    letter,
    person,
    copy: copy!,
    later(ms: number) {
      now += ms;
    },
    jump(ms: number) {
      ahead += ms;
      ledger.noteWall();
    },
    /** It arrives, and the server says so. */
    arrives(host = mx, text = letterText('m1', SENDER, 3)) {
      ledger.asked(host, SENDER, TO);
      const taken = ledger.took(host, SENDER, [TO], text);
      taken.answeredAt = now;
      now += 5_000;
    },
    broken: () => ledger.violations.map((v) => v.rule),
    /** Rules broken once the program shows this of the one recipient; null: the message is gone. */
    shows(state: RecipientState | 'replaced' | null, over: Partial<MessageDetails> & { status?: string } = {}) {
      const { status = null, ...message } = over;
      const details = {
        folder: state === 'bounced' || state === 'bad' ? state : 'sent',
        recipients: [{ rcptTo: TO, state, status, doneAt: 1, reply: null, nextAt: null }],
        ...message,
      } as unknown as MessageDetails;
      audit(ledger, new Map(state === null ? [] : [['id1', details]]));
      return ledger.violations.map((v) => v.rule);
    },
  };
}
const report = (address = TO, n = 1) => ({
  messageId: `<${n}>`,
  tag: 'm1',
  recipients: [{ address, action: 'failed' }],
});

describe('where mail goes', () => {
  it.each<[string, Partial<Conditions>, boolean]>([
    ['mode never', {}, true],
    ['mode always', { mode: 'always' }, false],
    ['paused', { paused: true }, false],
    ['no network', { network: null }, false],
    ['a log-in page', { portal: true }, false],
    ['a dial-up connection is missing', { dialUpRequired: true }, false],
    ['a dial-up connection is there', { dialUpRequired: true, dialUpActive: true }, true],
    ['settings that cannot be read', { readable: false }, false],
  ])('directly, with %s', (_name, conditions, allowed) => {
    const { ledger, broken } = book(conditions);
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual(allowed ? [] : ['direct']);
  });

  it('directly while the mode is being changed, or was changed less than an attempt ago, but not after that', () => {
    const { ledger, broken, later } = book();
    const settled = ledger.changing({ mode: 'always' });
    later(10 * ATTEMPT);
    ledger.asked(mx, SENDER, TO);
    settled();
    later(ATTEMPT / 2);
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual([]);
    later(ATTEMPT);
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual(['direct']);
  });

  it('a message that came after the change has no such excuse', () => {
    const { ledger, broken, later } = book();
    ledger.changing({ mode: 'always' })();
    later(1);
    ledger.handIn('m2', 's-m2@sender.test', [{ address: 'm2-r0@d0.soak.test' }]);
    ledger.asked(mx, 's-m2@sender.test', 'm2-r0@d0.soak.test');
    expect(broken()).toEqual(['direct']);
  });

  it('a report, which may have been under way before the change', () => {
    const { ledger, broken, later } = book();
    ledger.changing({ paused: true })();
    later(ATTEMPT / 2);
    ledger.asked(mx, null, SENDER);
    expect(broken()).toEqual([]);
    later(ATTEMPT);
    ledger.asked(mx, null, SENDER);
    expect(broken()).toEqual(['direct']);
  });

  it.each<[string, Partial<Conditions>, boolean]>([
    ['mode always', { mode: 'always' }, true],
    ['mode never', {}, false],
    ['mode domains, for a domain that is not listed', { mode: 'domains' }, false],
    ['switched off', { mode: 'always', gateways: [{ id: 'g0', enabled: false, networks: [], senders: [] }] }, false],
    [
      'another network',
      { mode: 'always', gateways: [{ id: 'g0', enabled: true, networks: ['hotel'], senders: [] }] },
      false,
    ],
    [
      'other senders',
      { mode: 'always', gateways: [{ id: 'g0', enabled: true, networks: [], senders: ['x.test'] }] },
      false,
    ],
  ])('through a gateway, with %s', (_name, conditions, allowed) => {
    const { ledger, broken } = book(conditions);
    ledger.asked(g0, SENDER, TO);
    expect(broken()).toEqual(allowed ? [] : ['gateway']);
  });

  it('through the gateway that the user chose, whatever the mode', () => {
    const { ledger, broken, copy } = book();
    ledger.acting('retry', [copy], 'g0')();
    ledger.asked(g0, SENDER, TO);
    expect(broken()).toEqual([]);
    ledger.asked(g1, SENDER, TO);
    expect(broken()).toEqual(['gateway']);
  });

  it('nothing is connected to while the queue holds', () => {
    const { ledger, broken } = book({ paused: true });
    ledger.connected(g0);
    expect(broken()).toEqual(['held']);
  });
});

describe('how often it arrives', () => {
  it('twice is once too often', () => {
    const { arrives, broken } = book();
    arrives();
    expect(broken()).toEqual([]);
    arrives();
    expect(broken()).toEqual(['twice']);
  });

  it('is explained by a lost connection, a kill, or the user, once each', () => {
    const lost = book();
    lost.ledger.took(mx, SENDER, [TO], letterText('m1', SENDER, 3));
    lost.arrives();
    expect(lost.broken()).toEqual([]);
    lost.arrives();
    expect(lost.broken()).toEqual(['twice']);

    const killed = book();
    killed.arrives();
    killed.later(-4_500);
    killed.ledger.disturb();
    killed.arrives();
    expect(killed.broken()).toEqual([]);

    const again = book();
    again.arrives();
    again.ledger.sendAgain(again.copy, TO);
    again.arrives();
    expect(again.broken()).toEqual([]);
    again.arrives();
    expect(again.broken()).toEqual(['twice']);
  });

  it('at all, when it was refused at the door', () => {
    const { ledger, broken } = book();
    const letter = ledger.handIn('m2', null, [{ address: 'm2-r0@d0.soak.test' }]);
    ledger.refusedToTake(letter, '452');
    ledger.asked(mx, null, 'm2-r0@d0.soak.test');
    expect(broken()).toEqual(['refused']);
  });

  it('with another text, or part of it', () => {
    const other = book();
    other.arrives(mx, letterText('m2', null, 3));
    expect(other.broken()).toEqual(['text']);
    const part = book();
    part.arrives(mx, letterText('m1', SENDER, 3).slice(0, -20));
    expect(part.broken()).toEqual(['text']);
  });

  it('after the user closed it', () => {
    const { ledger, copy, later, broken } = book();
    const done = ledger.acting('delete', [copy]);
    later(10 * ATTEMPT);
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual([]);
    done();
    later(2 * ATTEMPT);
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual(['closed']);
    ledger.acting('restore', [copy])();
    ledger.asked(mx, SENDER, TO);
    expect(broken()).toEqual(['closed']);
  });
});

describe('unknown outcomes', () => {
  it('three at a hop and network, and three more for each time the user asked', () => {
    const { ledger, copy, broken } = book();
    for (let n = 0; n < 3; n += 1) ledger.lost(mx, [TO]);
    expect(broken()).toEqual([]);
    ledger.acting('retry', [copy])();
    for (let n = 0; n < 3; n += 1) ledger.lost(mx, [TO]);
    expect(broken()).toEqual([]);
    ledger.lost(mx, [TO]);
    expect(broken()).toEqual(['doubt']);
  });

  it('another network counts anew', () => {
    const { ledger, broken } = book();
    for (let n = 0; n < 3; n += 1) ledger.lost(mx, [TO]);
    ledger.changing({ network: 'hotel' })();
    ledger.lost(mx, [TO]);
    expect(broken()).toEqual([]);
  });

  it('the same gateway again while another one is there', () => {
    const { ledger, later, broken } = book({ mode: 'always' });
    ledger.asked(g0, SENDER, TO);
    ledger.lost(g0, [TO]);
    ledger.willingSince.set('g1', 0);
    later(100);
    ledger.asked(g0, SENDER, TO);
    expect(broken()).toEqual(['doubt']);
  });

  it('the same gateway again where there is no other, or after another', () => {
    const alone = book({ mode: 'always' });
    alone.ledger.lost(g0, [TO]);
    alone.later(100);
    alone.ledger.asked(g0, SENDER, TO);
    expect(alone.broken()).toEqual([]);
    const after = book({ mode: 'always' });
    after.ledger.lost(g0, [TO]);
    after.ledger.willingSince.set('g1', 0);
    after.later(100);
    after.ledger.asked(g1, SENDER, TO);
    after.ledger.asked(g0, SENDER, TO);
    expect(after.broken()).toEqual([]);
  });
});

describe('what the program shows at the end', () => {
  it('delivered, and it arrived', () => {
    const { arrives, shows } = book();
    arrives();
    expect(shows('delivered')).toEqual([]);
  });
  it('delivered, and it never arrived', () => {
    expect(book().shows('delivered')).toEqual(['unfounded']);
  });
  it('waiting', () => {
    expect(book().shows('deferred', { folder: 'outbox' })).toEqual(['stuck']);
  });
  it('nothing', () => {
    expect(book().shows(null)).toEqual(['lost']);
  });
  it('nothing, after the user purged it', () => {
    const { ledger, copy, shows } = book();
    ledger.acting('purge', [copy])();
    expect(shows(null)).toEqual([]);
  });
  it('the message without the recipient', () => {
    expect(book().shows('delivered', { recipients: [] })).toEqual(['lost']);
  });
  it('deleted, by whoever', () => {
    expect(book().shows('deferred', { folder: 'deleted' })).toEqual(['unnamed']);
  });
  it('deleted, by the user', () => {
    const { ledger, copy, shows } = book();
    ledger.acting('delete', [copy])();
    expect(shows('deferred', { folder: 'deleted' })).toEqual([]);
  });
  it('deleted though the user took that back', () => {
    const { ledger, copy, shows } = book();
    ledger.acting('delete', [copy])();
    ledger.acting('restore', [copy])();
    expect(shows('deferred', { folder: 'deleted' })).toEqual(['unnamed']);
  });
  it('replaced, by whoever and by the user', () => {
    expect(book().shows('replaced')).toEqual(['unnamed']);
    const { ledger, copy, shows } = book();
    ledger.acting('resend', [copy])();
    expect(shows('replaced')).toEqual([]);
  });
  it('failed though it was taken', () => {
    const { arrives, ledger, shows } = book();
    ledger.refused(mx, SENDER, TO);
    ledger.reported(report());
    arrives();
    expect(shows('bounced')).toEqual(['forgotten']);
  });

  it('failed without a reason', () => {
    const { ledger, shows } = book();
    ledger.reported(report());
    expect(shows('bounced', { status: '5.1.2' })).toEqual(['causeless']);
  });
  it('given up before its time, and after it', () => {
    const early = book();
    early.ledger.reported(report());
    expect(early.shows('bounced', { status: '4.4.7' })).toEqual(['causeless']);
    const late = book();
    late.ledger.reported(report());
    late.jump(5 * 86_400_000);
    expect(late.shows('bounced', { status: '4.4.7' })).toEqual([]);
  });
  it('a domain that does not exist, with a resolver that is sane or never was', () => {
    const at = (resolver: Conditions['resolver']): readonly string[] => {
      const { ledger } = book({ resolver });
      const letter = ledger.handIn('m2', null, [{ address: 'm2-r0@mistyped.soak.test' }]);
      ledger.accepted(letter, 'id2');
      const details = {
        folder: 'bad',
        recipients: [{ rcptTo: 'm2-r0@mistyped.soak.test', state: 'bad', status: '5.1.2' }],
      };
      audit(ledger, new Map([['id2', details as unknown as MessageDetails]]));
      return ledger.violations.filter((v) => v.what.includes('m2')).map((v) => v.rule);
    };
    expect(at('sane')).toEqual([]);
    expect(at('knows-nothing')).toEqual(['causeless']);
  });
});

describe('what senders are told', () => {
  const failed = (over: Partial<Conditions> = {}, notify?: readonly ['never']) => {
    const opened = book(over, notify);
    opened.ledger.refused(mx, SENDER, TO);
    return opened;
  };
  it('once', () => {
    const { ledger, shows } = failed();
    ledger.reported(report());
    expect(shows('bounced')).toEqual([]);
  });
  it('never', () => {
    expect(failed().shows('bounced')).toEqual(['untold']);
  });
  it('never, where that is what was wanted', () => {
    expect(failed({ returnUndeliverable: false }).shows('bounced')).toEqual([]);
    expect(failed({}, ['never']).shows('bounced')).toEqual([]);
    expect(failed().shows('bad')).toEqual([]);
  });
  it('twice', () => {
    const { ledger, shows } = failed();
    ledger.reported(report());
    ledger.reported(report(TO, 2));
    expect(shows('bounced')).toContain('untold');
  });
  it('of one that wanted no report, of one in Bad, of one that was delivered', () => {
    const never = failed({}, ['never']);
    never.ledger.reported(report());
    expect(never.shows('bounced')).toEqual(['untold']);
    const bad = failed();
    bad.ledger.reported(report());
    expect(bad.shows('bad')).toContain('untold');
    const delivered = failed();
    delivered.arrives();
    delivered.ledger.reported(report());
    expect(delivered.shows('delivered')).toContain('untold');
  });
});
