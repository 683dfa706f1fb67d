/** The bridge of the contract, in a sandboxed window: two functions and nothing else. Checks are made on the other side. */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import type { Bridge } from '../shared/ipc-contract.ts';

// As in app/windows/ipc-server.ts, which cannot be imported here: it would bring the whole of its surroundings along.
const CALL_CHANNEL = 'postcast:call';
const EVENT_CHANNEL = 'postcast:event';

const bridge: Bridge = {
  call: (name, input) => ipcRenderer.invoke(CALL_CHANNEL, name, input) as never,
  on: (event, listener) => {
    const heard = (_event: IpcRendererEvent, name: unknown, payload: unknown): void => {
      if (name === event) listener(payload as never);
    };
    ipcRenderer.on(EVENT_CHANNEL, heard);
    return () => ipcRenderer.off(EVENT_CHANNEL, heard);
  },
};

contextBridge.exposeInMainWorld('postcast', bridge);
