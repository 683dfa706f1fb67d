import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { trayPicture } from '../../../app/tray/tray-picture.ts';
import { trayView, type TrayItem, type TrayPicture } from '../../../app/tray/tray-menu.ts';
import { shellWords } from '../../../app/shell/words.ts';
import { MODES } from '../../../shared/settings.ts';
import type { AppStatus } from '../../../shared/status.ts';
import { statusWith } from '../../fakes/stub-engine.ts';

const words = shellWords('en', '').tray;
const counts = (change: Partial<AppStatus['counts']>): AppStatus['counts'] => ({ ...statusWith().counts, ...change });
const labels = (items: readonly TrayItem[]): string[] =>
  items.map((item) => {
    if (item.type === 'separator') return '---';
    const off = item.type === 'label' || (item.type === 'action' && !item.enabled);
    return off ? `(${item.label})` : item.label;
  });
const failed = { kind: 'failed', port: 25, reason: 'forbidden', message: 'Port 25 is not allowed.' } as const;

const PICTURES: readonly TrayPicture[] = [
  'idle',
  'sending',
  'paused',
  'waiting-network',
  'waiting-dial-up',
  'attention',
];

describe('the tray', () => {
  it.each(['en', 'de'] as const)('says that nothing is sent for a setting that cannot be read (%s)', (language) => {
    const { tray } = shellWords(language, '');
    const view = trayView(statusWith({ hold: 'settings', state: 'attention' }), tray);
    expect(view.icon).toBe('attention');
    expect(view.tooltip).toContain(tray.settingsHold);
    expect(labels(view.items)).toContain(`(${tray.settingsHold})`);
  });

  it.each<[string, Partial<AppStatus>, { icon: TrayPicture; tooltip: string; menu: string[] }]>([
    [
      'idle',
      {},
      {
        icon: 'idle',
        tooltip: 'PostCast Server – Ready',
        menu: [
          '(Ready)',
          '---',
          'Open PostCast Server',
          '(Send now)',
          'Pause',
          'Use gateways',
          'Settings…',
          '---',
          'Quit',
        ],
      },
    ],
    [
      'sending',
      { state: 'sending', sending: 1, counts: counts({ outbox: 3 }) },
      {
        icon: 'sending',
        tooltip: 'PostCast Server – Sending\n3 messages waiting',
        menu: [
          '(Sending)',
          '---',
          'Open PostCast Server',
          'Send now',
          'Pause',
          'Use gateways',
          'Settings…',
          '---',
          'Quit',
        ],
      },
    ],
    [
      'paused with mail: send now is off, resume is there',
      { state: 'paused', paused: true, counts: counts({ outbox: 1 }) },
      {
        icon: 'paused',
        tooltip: 'PostCast Server – Paused\n1 message waiting',
        menu: [
          '(Paused)',
          '---',
          'Open PostCast Server',
          '(Send now)',
          'Resume',
          'Use gateways',
          'Settings…',
          '---',
          'Quit',
        ],
      },
    ],
    [
      'failed messages',
      { state: 'attention', counts: counts({ bad: 5, unseenBad: 1, unseenBounced: 1 }) },
      {
        icon: 'attention',
        tooltip: 'PostCast Server – Needs your attention\n2 messages could not be delivered',
        menu: [
          '(Needs your attention)',
          '---',
          'Open PostCast Server',
          '(Send now)',
          'Pause',
          'Use gateways',
          'Settings…',
          '---',
          'Quit',
        ],
      },
    ],
    [
      'listener failed, with a way out; attention whatever else goes on',
      { state: 'sending', listener: { ...failed, suggestedPort: 2526 } },
      {
        icon: 'attention',
        tooltip: 'PostCast Server – Sending\nNot accepting mail: port 25 cannot be used',
        menu: [
          '(Sending)',
          '(Not accepting mail: port 25 cannot be used)',
          'Use port 2526 instead',
          ...['---', 'Open PostCast Server', '(Send now)', 'Pause', 'Use gateways', 'Settings…', '---', 'Quit'],
        ],
      },
    ],
    [
      'listener failed, no other port known',
      { state: 'attention', listener: { ...failed, suggestedPort: null } },
      {
        icon: 'attention',
        tooltip: 'PostCast Server – Needs your attention\nNot accepting mail: port 25 cannot be used',
        menu: [
          '(Needs your attention)',
          '(Not accepting mail: port 25 cannot be used)',
          ...['---', 'Open PostCast Server', '(Send now)', 'Pause', 'Use gateways', 'Settings…', '---', 'Quit'],
        ],
      },
    ],
  ])('shows %s', (_name, change, expected) => {
    const view = trayView(statusWith(change), words);
    expect({ icon: view.icon, tooltip: view.tooltip, menu: labels(view.items) }).toEqual(expected);
  });

  it.each(MODES)('ticks the mode %s and no other', (mode) => {
    const menu = trayView(statusWith({ mode }), words).items.find((item) => item.type === 'submenu');
    const radios = menu?.type === 'submenu' ? menu.items : [];
    expect(
      radios
        .map((item) => item.type === 'radio' && item.checked && item.action.kind === 'set-mode' && item.action.mode)
        .filter(Boolean),
    ).toEqual([mode]);
    expect(radios).toHaveLength(MODES.length);
  });

  it('keeps the tooltip within what Windows shows', () => {
    const status = statusWith({
      listener: { ...failed, suggestedPort: 1 },
      counts: counts({ outbox: 123456, unseenBad: 123456 }),
      state: 'waiting-dial-up',
    });
    expect(trayView(status, shellWords('de', '').tray).tooltip.length).toBeLessThanOrEqual(127);
  });

  it.each(
    PICTURES.flatMap((state) => (['linux', 'win32', 'darwin'] as const).map((platform) => [state, platform] as const)),
  )('has a picture for %s on %s', (state, platform) => {
    expect(existsSync(trayPicture(path.resolve('assets'), state, platform))).toBe(true);
  });

  // The pictures for macOS have no colours: these differ in shape.
  it.each(['linux', 'win32', 'darwin'] as const)('has a picture of its own for each state on %s', (platform) => {
    const pictures = PICTURES.map((state) =>
      readFileSync(trayPicture(path.resolve('assets'), state, platform), 'base64'),
    );
    expect(new Set(pictures).size).toBe(PICTURES.length);
  });
});
