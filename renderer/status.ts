import type { AppStatus } from '../shared/status.ts';
import { useAnswer } from './server-cache.ts';

/** The program's newest status, null until the first answer. */
export function useStatus(): AppStatus | null {
  return useAnswer('status.get', {}).value;
}
