import { electronRuntime } from '../../scripts/runtime.mjs';
import { startXvfb } from './xvfb.ts';

/** Before all end-to-end tests: a display for them, and the runtime, fetched if need be. */
export default async function setUp(): Promise<() => Promise<void>> {
  const runtime = await electronRuntime();
  process.env['POSTCAST_TEST_ELECTRON'] = runtime.path;
  if (process.platform !== 'linux') return () => Promise.resolve();
  const display = await startXvfb();
  process.env['DISPLAY'] = display.display;
  delete process.env['WAYLAND_DISPLAY'];
  return () => display.close();
}
