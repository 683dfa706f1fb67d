import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './base.css';

const root = document.getElementById('root');
const bridge = window.postcast;
if (root !== null && bridge !== undefined) createRoot(root).render(<App bridge={bridge} />);
