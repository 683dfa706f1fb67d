/** Looks at parts whose state the user is to be told of, and raises or clears their problems. */
import { phrase } from '../../shared/phrases.ts';
import { settingsProblems } from '../settings/file-problems.ts';
import type { Parts } from './build.ts';
import { createDeliveryProblems, type DeliveryProblems } from './delivery-problems.ts';
import { createSecretsFileProblem } from './secrets-file-problem.ts';

export interface ProblemReports extends DeliveryProblems {
  /** @param unreadable Why the file cannot be read at all; null: it can. */
  settingsFile(unreadable: string | null): void;
  /** Where it does not listen though it should; that it listens nowhere is a state of its own. */
  listener(): void;
  secretsFile(): void;
  /** What was wrong before anybody listened. */
  /** @param restarts how often the engine ended by itself and was started again */
  atStart(restarts: number): void;
}

export function createProblemReports(parts: Parts): ProblemReports {
  const { problems, settings, delivery, oauth, memory, names, listener } = parts;
  const ofDelivery = createDeliveryProblems({
    ...{ problems, delivery, oauth, memory, names },
    settings: () => settings.get(),
  });

  const secretsFile = createSecretsFileProblem(parts.secrets, problems);

  const settingsFile = (unreadable: string | null): void => {
    for (const [id, told] of settingsProblems(settings, unreadable)) {
      if (told === null) problems.clear(id);
      else problems.raise(id, told.severity, told.phrase, told.action);
    }
  };

  const ofListener = (): void => {
    const state = listener.state();
    const missing = state.kind === 'listening' ? (state.missing ?? []) : [];
    if (missing.length === 0) problems.clear('listener-address');
    else {
      const hosts = missing.map(({ host }) => host).join(', ');
      problems.raise('listener-address', 'warning', phrase('problem.listenerAddress', { hosts }));
    }
  };

  return {
    ...ofDelivery,
    settingsFile,
    listener: ofListener,
    secretsFile: secretsFile.check,
    atStart(restarts) {
      if (restarts > 0)
        problems.raise('engine-restarted', 'warning', phrase('problem.engineRestarted', { count: restarts }));
      // A file that could not be read at all was set aside by now.
      settingsFile(null);
      ofListener();
      secretsFile.check();
    },
  };
}
