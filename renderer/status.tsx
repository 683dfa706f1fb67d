/** The program's status, one copy for the whole window. */
import { createContext, useContext, useEffect, useRef, useState, type ReactNode } from 'react';
import type { AppStatus } from '../shared/status.ts';
import { drop, useBridge } from './bridge.ts';
import { useFirstAnswers } from './first-answers.ts';

const StatusContext = createContext<AppStatus | null>(null);

/** The newest status, null until the first answer. */
export function useStatus(): AppStatus | null {
  return useContext(StatusContext);
}

export function StatusProvider({ children }: { readonly children: ReactNode }) {
  const bridge = useBridge();
  const first = useFirstAnswers();
  const [status, setStatus] = useState<AppStatus | null>(() => first.get('status.get', {}));
  const known = useRef(status !== null);
  useEffect(() => {
    let told = false;
    const stop = bridge.on('status:changed', (next) => {
      told = true;
      setStatus(next);
    });
    const read = !known.current || !first.fresh();
    known.current = false;
    if (read)
      drop(
        bridge.call('status.get', {}).then((result) => {
          // An event that came while we asked is newer than the answer.
          if (result.ok && !told) setStatus(result.value);
        }),
      );
    return () => {
      told = true;
      stop();
    };
  }, [bridge, first]);
  return <StatusContext.Provider value={status}>{children}</StatusContext.Provider>;
}
