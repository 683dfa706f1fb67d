import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { fireAndForget } from './bridge.ts';
import { prefetchWindow } from './prefetch-window.ts';
import { createServerCache } from './server-cache.ts';
import './base.css';

const root = document.getElementById('root');
const bridge = window.postcast;
if (root !== null && bridge !== undefined) {
  const cache = createServerCache(bridge);
  fireAndForget(
    prefetchWindow(cache, bridge, window.location.hash).then(() =>
      createRoot(root).render(<App bridge={bridge} cache={cache} />),
    ),
  );
}
