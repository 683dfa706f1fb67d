import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { drop } from './bridge.ts';
import { askFirst } from './first-answers.ts';
import './base.css';

const root = document.getElementById('root');
const bridge = window.postcast;
if (root !== null && bridge !== undefined) {
  drop(
    askFirst(bridge, window.location.hash).then((first) =>
      createRoot(root).render(<App bridge={bridge} first={first} />),
    ),
  );
}
