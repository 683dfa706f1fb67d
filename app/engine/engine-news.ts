/** What the engine told last, kept for the shell while there is no engine, and handed on. */
import type { EngineEvents, FromEngine, ShellSettings } from '../../main/engine-thread/protocol.ts';
import type { FailedMessage } from '../../main/program/program.ts';
import { createEmitter, type Emitter } from '../../main/runtime/emitter.ts';
import type { PhraseId } from '../../shared/phrases.ts';
import type { AppStatus } from '../../shared/status.ts';

/** What is handed on. */
export interface NewsEvents extends EngineEvents {
  readonly failed: FailedMessage;
  readonly settings: ShellSettings;
}

type News = Extract<FromEngine, { readonly kind: 'started' | 'event' | 'settings' | 'failed' }>;

export interface EngineNews {
  readonly on: Emitter<NewsEvents>['on'];
  /** Null before the engine was started for the first time. */
  status(): AppStatus | null;
  settings(): ShellSettings | null;
  take(news: News): void;
  /** There is no engine, and this says so; what is known of the queue stays as it was told last. */
  down(why: PhraseId): void;
}

export function createEngineNews(problem: (error: unknown) => void): EngineNews {
  const events = createEmitter<NewsEvents>(problem);
  let status: AppStatus | null = null;
  let settings: ShellSettings | null = null;

  function tellStatus(next: AppStatus): void {
    status = next;
    events.emit('status:changed', next);
  }

  function tellSettings(next: ShellSettings): void {
    settings = next;
    events.emit('settings', next);
  }

  function take(news: News): void {
    switch (news.kind) {
      case 'started':
        tellStatus(news.status);
        tellSettings(news.settings);
        // Whatever was told by the one before may have changed: everybody reads again.
        for (const name of ['queue:changed', 'settings:changed', 'gateways:changed'] as const) events.emit(name, {});
        break;
      case 'event':
        if (news.name === 'status:changed') tellStatus(news.payload as AppStatus);
        else events.emit(news.name, {});
        break;
      case 'settings':
        tellSettings(news.settings);
        break;
      case 'failed':
        events.emit('failed', news.message);
        break;
    }
  }

  return {
    on: events.on,
    status: () => status,
    settings: () => settings,
    take,
    down(why) {
      if (status === null) return;
      const phrase = { id: why };
      const problems = status.problems.filter((each) => each.id !== 'engine');
      tellStatus({
        ...status,
        state: 'attention',
        phrases: [phrase],
        listener: { kind: 'stopped' },
        sending: 0,
        problems: [{ id: 'engine', severity: 'error', phrase, since: Date.now() }, ...problems],
      });
    },
  };
}
