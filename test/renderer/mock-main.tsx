/** The windows over the mock bridge, for looking at them in a browser: ?scene=empty, failed, obfuscated, …. */
import { createRoot } from 'react-dom/client';
import { App } from '../../renderer/app.tsx';
import { createServerCache } from '../../renderer/server-cache.ts';
import '../../renderer/base.css';
import { createMockBridge, type MockOptions } from './mock-bridge.ts';
import { fail, ok } from '../../shared/result.ts';
import { defaultSettings } from '../../shared/settings.ts';

const scene = new URLSearchParams(location.search).get('scene') ?? '';
const scenes: Readonly<Record<string, MockOptions>> = {
  empty: { counts: { outbox: 0, sent: 0, bad: 0, bounced: 0 }, settings: () => defaultSettings(), states: [] },
  done: {
    counts: { outbox: 0, sent: 0, bad: 0, bounced: 0 },
    settings: () => {
      const settings = defaultSettings();
      return { ...settings, general: { ...settings.general, welcomeDone: true } };
    },
    states: [],
  },
  german: { settings: (settings) => ({ ...settings, general: { ...settings.general, language: 'de' } }) },
  failed: {
    status: {
      state: 'attention',
      phrases: [],
      listener: { kind: 'failed', port: 2525, reason: 'taken', message: 'EADDRINUSE', suggestedPort: 2526 },
      secrets: { protection: 'none', backend: 'basic_text' },
      problems: [{ id: 'p1', severity: 'warning', phrase: { id: 'direct.blocked' }, since: 0 }],
    },
  },
};
const bridge = createMockBridge(scenes[scene] ?? {});
if (scene === 'unreadable')
  bridge.answer('queue.list', () => fail('disk', 'The queue on the disk could not be read: disk I/O error.'));
if (scene === 'consent') bridge.answer('secrets.set', () => ok({ stored: false, needsConsent: true }));
Object.assign(window, { mock: bridge });
const root = document.getElementById('root');
if (root !== null) createRoot(root).render(<App bridge={bridge} cache={createServerCache(bridge)} />);
