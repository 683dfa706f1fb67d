import { describe, expect, it } from 'vitest';
import {
  MAX_BACKLOG_WAIT_MS,
  mayBeginAttempt,
  MAX_RUNNING_ATTEMPTS,
  RUNNING_WHILE_ACCEPTING,
} from '../../../main/policy/attempt-pace.ts';

describe('when the next attempt may begin', () => {
  it.each([
    ['at once while little comes in', { running: 0, accepting: false, waitedMs: 0 }, true],
    ['beside others while little comes in', { running: MAX_RUNNING_ATTEMPTS - 1, accepting: false, waitedMs: 0 }, true],
    ['not beyond the most', { running: MAX_RUNNING_ATTEMPTS, accepting: false, waitedMs: 0 }, false],
    [
      'not beyond the most, however long it waited',
      { running: MAX_RUNNING_ATTEMPTS, accepting: false, waitedMs: 1e9 },
      false,
    ],
    ['one goes on while much comes in', { running: 0, accepting: true, waitedMs: 0 }, true],
    ['no more than that', { running: RUNNING_WHILE_ACCEPTING, accepting: true, waitedMs: 0 }, false],
    ['not a moment too early', { running: 5, accepting: true, waitedMs: MAX_BACKLOG_WAIT_MS - 1 }, false],
    ['but nobody waits for long', { running: 5, accepting: true, waitedMs: MAX_BACKLOG_WAIT_MS }, true],
  ])('%s', (_name, pace, may) => {
    expect(mayBeginAttempt(pace)).toBe(may);
  });
});
