import { describe, expect, it } from 'vitest';
import { parseStsPolicy, stsNamesHost, stsRecordId } from '../../../main/policy/mta-sts.ts';

describe('the TXT record of MTA-STS', () => {
  it.each([
    [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
    [['v=STSv1;id=1'], '1'],
    [['v=STSv1 ; more=x; id = abc ;'], 'abc'],
    [['v=spf1 -all', 'v=STSv1; id=1'], '1'],
    [['v=STSv1; id=1', 'v=STSv1; id=2'], null],
    [['v=STSv1; id=a-b'], null],
    [[`v=STSv1; id=${'9'.repeat(33)}`], null],
    [['v=STSv1;'], null],
    [['v=STSv12; id=1'], null],
    [['id=1; v=STSv1'], null],
    [[], null],
  ])('%j → %j', (records, id) => {
    expect(stsRecordId(records)).toBe(id);
  });
});

describe('the policy of MTA-STS', () => {
  const text = (...lines: string[]): string => lines.map((l) => `${l}\r\n`).join('');
  it.each([
    [text('version: STSv1', 'mode: enforce', 'mx: MX.Far.test', 'mx: *.far.test', 'max_age: 604800'), { mode: 'enforce', mx: ['mx.far.test', '*.far.test'], maxAge: 604800 }],
    ['version: STSv1\nmode: testing\nmx: a.test\nmax_age: 1', { mode: 'testing', mx: ['a.test'], maxAge: 1 }],
    [text('version: STSv1', 'mode: none', 'max_age: 0'), { mode: 'none', mx: [], maxAge: 0 }],
    [text('version: STSv1', 'mode: none', 'mode: enforce', 'x-new: y', 'max_age: 5'), { mode: 'none', mx: [], maxAge: 5 }],
    [text('version: STSv1', 'mode: enforce', 'mx: a.test', 'max_age: 9999999999'), { mode: 'enforce', mx: ['a.test'], maxAge: 31557600 }],
    [text('version: STSv1', 'mode: enforce', 'max_age: 5'), null],
    [text('version: STSv1', 'mode: enforce', 'mx: a.test'), null],
    [text('version: STSv1', 'mode: enforce', 'mx: a.test', 'max_age: -1'), null],
    [text('version: STSv2', 'mode: enforce', 'mx: a.test', 'max_age: 5'), null],
    [text('version: STSv1', 'mode: Enforce', 'mx: a.test', 'max_age: 5'), null],
    [text('mode: enforce', 'mx: a.test', 'max_age: 5'), null],
    ['<html>404</html>', null],
    ['', null],
  ])('%j', (policy, expected) => {
    expect(parseStsPolicy(policy)).toEqual(expected);
  }); // prettier-ignore

  it.each([
    ['mx.far.test', true],
    ['MX.FAR.test.', true],
    ['other.far.test', false],
    ['a.backup.test', true],
    ['a.b.backup.test', false],
    ['backup.test', false],
    ['xbackup.test', false],
    ['mx.far.test.evil.test', false],
    ['localhost', false],
  ])('names %s: %s', (host, named) => {
    expect(stsNamesHost({ mode: 'enforce', mx: ['mx.far.test', '*.backup.test'], maxAge: 1 }, host)).toBe(named);
  });
});
