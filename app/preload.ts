import { contextBridge } from 'electron';

contextBridge.exposeInMainWorld('postcast', {});
