import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { App } from '../../renderer/app.tsx';
import type { DiscoveredGateway } from '../../shared/ipc-contract.ts';
import { ok } from '../../shared/result.ts';
import { defaultSettings, gatewaySchema } from '../../shared/settings.ts';
import type { GatewayState } from '../../shared/status.ts';
import { createMockBridge, type MockBridge } from './mock-bridge.ts';

const changesOf = (bridge: MockBridge) =>
  bridge.calls
    .filter((call) => call.name === 'settings.set')
    .flatMap((call) => (call.input as { changes: { path: string; value: unknown }[] }).changes);

function open(hash: string, bridge: MockBridge): MockBridge {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  return bridge;
}

// What is loaded when it is wanted is loaded here once: a busy machine may take its time.
beforeAll(async () => {
  await Promise.all([
    import('../../renderer/settings/settings-window.tsx'),
    import('../../renderer/welcome/welcome.tsx'),
    import('../../renderer/activity/activity-page.tsx'),
  ]);
}, 60_000);
beforeEach(() => {
  localStorage.clear();
  // Without the Web Animations API, Fluent shows and hides at once.
  Reflect.deleteProperty(Element.prototype, 'animate');
  // happy-dom lays nothing out; the table needs to know how high it is.
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockReturnValue(480);
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(1000);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test.each([
  ['helper', /told by ip monitor, at once/],
  ['looking', /ip monitor, .* is not running here/],
] as const)('Networks says what changes are learned by: %s', async (by, words) => {
  const bridge = open('#/settings/networks', createMockBridge());
  const status = await bridge.call('status.get', {});
  if (!status.ok) throw new Error('no status');
  const network = { ...status.value.network, hearing: { by, helper: 'ip monitor' } };
  await screen.findByRole('heading', { name: 'Networks' });
  act(() => bridge.emit('status:changed', { ...status.value, network }));
  expect(await screen.findByText(words)).toBeTruthy();
});

describe('SMTP Gateways', () => {
  test('a click on a mode is saved at once', async () => {
    const bridge = open('#/settings/gateways', createMockBridge());
    fireEvent.click(await screen.findByRole('radio', { name: /Always use SMTP gateways/ }));
    await waitFor(() => expect(changesOf(bridge)).toEqual([{ path: 'gateways.mode', value: 'always' }]));
    expect(bridge.settings().gateways.mode).toBe('always');
  });
  test('one click sets a priority and the list shows the new order', async () => {
    const bridge = open('#/settings/gateways', createMockBridge());
    const group = await screen.findByRole('radiogroup', { name: 'Priority of Mobile' });
    fireEvent.click(within(group).getByRole('radio', { name: 'Highest' }));
    await waitFor(() =>
      expect(bridge.settings().gateways.list.map((gateway) => gateway.id)).toEqual(['office', 'mobile', 'home', 'old']),
    );
    expect(within(group).getByRole('radio', { name: 'Highest' }).getAttribute('aria-checked')).toBe('true');
  });
  test('Alt+Up moves a gateway within its priority', async () => {
    const bridge = open('#/settings/gateways', createMockBridge());
    fireEvent.keyDown(await screen.findByRole('button', { name: 'Edit Mobile' }), { key: 'ArrowUp', altKey: true });
    await waitFor(() =>
      expect(bridge.settings().gateways.list.map((gateway) => gateway.id)).toEqual(['office', 'mobile', 'home', 'old']),
    );
  });
  test('an invalid port is not saved and says why beside the field', async () => {
    const bridge = open('#/settings/server', createMockBridge());
    fireEvent.change(await screen.findByRole('textbox', { name: 'Port' }), { target: { value: '70000' } });
    expect(await screen.findByText('At most 65535')).toBeTruthy();
    expect(changesOf(bridge)).toEqual([]);
  });
  describe('what is typed', () => {
    /** Key by key, as a person does. */
    const type = (field: HTMLElement, text: string) => {
      fireEvent.focus(field);
      for (let length = 1; length <= text.length; length++)
        fireEvent.change(field, { target: { value: text.slice(0, length) } });
    };
    const port = () => screen.findByRole<HTMLInputElement>('textbox', { name: 'Port' });

    test.each([
      ['with Enter', (field: HTMLElement) => void fireEvent.keyDown(field, { key: 'Enter' })],
      ['when the field is left', (field: HTMLElement) => void fireEvent.blur(field)],
      ['when the page is left', () => void (window.location.hash = '#/settings/general')],
      ['when the window is closed', () => void fireEvent(window, new Event('pagehide'))],
    ])('is saved once, %s', async (_, finish) => {
      const bridge = open('#/settings/server', createMockBridge());
      const field = await port();
      type(field, '2526');
      expect(changesOf(bridge)).toEqual([]);
      finish(field);
      await waitFor(() => expect(changesOf(bridge)).toEqual([{ path: 'server.port', value: 2526 }]));
      fireEvent.blur(field);
      cleanup();
      expect(changesOf(bridge)).toHaveLength(1);
    });

    test('is forgotten with Escape, and nothing is saved', async () => {
      const bridge = open('#/settings/server', createMockBridge());
      const field = await port();
      const before = field.value;
      type(field, '25');
      fireEvent.keyDown(field, { key: 'Escape' });
      expect(field.value).toBe(before);
      fireEvent.blur(field);
      expect(changesOf(bridge)).toEqual([]);
    });

    test('invalid, is never saved: it stays with its reason while its page is there', async () => {
      const bridge = open('#/settings/connection', createMockBridge());
      const field = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Proxy' });
      type(field, 'socks5://localhost');
      fireEvent.keyDown(field, { key: 'Enter' });
      fireEvent.blur(field);
      expect(field.value).toBe('socks5://localhost');
      expect(screen.getByText(/Like socks5:/)).toBeTruthy();
      cleanup();
      expect(changesOf(bridge)).toEqual([]);
    });

    test('the same again is no change', async () => {
      const bridge = open('#/settings/server', createMockBridge());
      const field = await port();
      const before = field.value;
      type(field, before);
      fireEvent.blur(field);
      expect(changesOf(bridge)).toEqual([]);
    });

    test('refused by the program, stays with the reason', async () => {
      const bridge = createMockBridge();
      bridge.answer('settings.set', () =>
        ok({ saved: false, problems: [{ path: 'server.port', message: 'Not that one' }] }),
      );
      open('#/settings/server', bridge);
      const field = await port();
      type(field, '2526');
      fireEvent.blur(field);
      expect(await screen.findByText('Not that one')).toBeTruthy();
      expect(field.value).toBe('2526');
    });

    test('an address to listen on that is none is not added', async () => {
      const bridge = open('#/settings/server', createMockBridge());
      const field = await screen.findByRole('textbox', { name: 'Addresses' });
      fireEvent.change(field, { target: { value: '999.1.1.1' } });
      fireEvent.keyDown(field, { key: 'Enter' });
      expect(screen.getByText('999.1.1.1: Not an IP address')).toBeTruthy();
      expect(changesOf(bridge)).toEqual([]);
    });
  });
  test('invalid addresses are exported as text and as CSV in which nothing runs, and cleared', async () => {
    const bridge = createMockBridge();
    let rows = [
      { address: '=1+1@northwind.test', reply: '550 5.1.1 No such "user",\nsorry', at: Date.UTC(2026, 0, 5), count: 2 },
      { address: 'jürgen@northwind.test', reply: '550 5.1.1 Unknown', at: Date.UTC(2026, 0, 6), count: 1 },
    ];
    bridge.answer('queue.invalidAddresses', () => ok({ rows }));
    bridge.answer('queue.clearInvalidAddresses', () => {
      rows = [];
      return ok({ count: 2 });
    });
    open('#/settings/administration', bridge);
    fireEvent.click(await screen.findByRole('button', { name: 'Export text' }));
    fireEvent.click(screen.getByRole('button', { name: 'Export CSV' }));
    const saved = bridge.calls.filter((call) => call.name === 'app.saveText').map((call) => call.input);
    expect(saved).toEqual([
      { suggestedName: 'invalid-addresses.txt', text: '=1+1@northwind.test\r\njürgen@northwind.test\r\n' },
      {
        suggestedName: 'invalid-addresses.csv',
        text: [
          '\ufeff"address","reply","last","count"\r\n',
          `"'=1+1@northwind.test","550 5.1.1 No such ""user"",\nsorry","2026-01-05T00:00:00.000Z","2"\r\n`,
          '"jürgen@northwind.test","550 5.1.1 Unknown","2026-01-06T00:00:00.000Z","1"\r\n',
        ].join(''),
      },
    ]);
    fireEvent.click(screen.getByRole('button', { name: 'Clear list' }));
    expect(await screen.findByText('No recipient has been refused for good.')).toBeTruthy();
  });
  test('a password that needs consent is not stored, nor the gateway saved, before the user agrees', async () => {
    const bridge = createMockBridge();
    bridge.answer('secrets.set', ({ acceptObfuscated }) =>
      ok({ stored: acceptObfuscated, needsConsent: !acceptObfuscated }),
    );
    open('#/settings/gateways', bridge);
    fireEvent.click(await screen.findByRole('button', { name: 'Edit Office' }));
    fireEvent.change(await screen.findByLabelText('Password'), { target: { value: 'hush' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    const agree = await screen.findByRole('button', { name: 'Store it obfuscated' });
    expect(changesOf(bridge)).toEqual([]);
    fireEvent.click(agree);
    await waitFor(() => expect(changesOf(bridge)).toHaveLength(1));
    expect(JSON.stringify(changesOf(bridge))).not.toContain('hush');
  });
});

describe('the password of a gateway', () => {
  const stored = (bridge: MockBridge) => {
    const [gateway] = bridge.settings().gateways.list;
    return { ...gateway!, auth: 'password' as const, username: 'ann' };
  };
  async function edit(more: Partial<GatewayState> = {}): Promise<MockBridge> {
    const bridge = createMockBridge();
    const gateway = stored(bridge);
    await bridge.call('settings.set', { changes: [{ path: 'gateways.list', value: [gateway] }] });
    const state: GatewayState = {
      id: gateway.id,
      state: 'works',
      phrase: { id: 'gateway.state.unknown' },
      since: null,
      restsUntil: null,
      hasSecret: true,
      secretFor: gateway,
      secretAgain: null,
      ...more,
    };
    bridge.answer('gateways.states', () => ok({ states: [state] }));
    open('#/settings/gateways', bridge);
    fireEvent.click(await screen.findByRole('button', { name: `Edit ${gateway.name}` }));
    await screen.findByRole('dialog');
    return bridge;
  }
  const asked = () => screen.queryByText(/has to be entered again, because the server was changed from/);

  test('is asked for again when the server is changed, and not when it is changed back', async () => {
    const bridge = await edit();
    const { host, port } = stored(bridge);
    const field = screen.getByRole('textbox', { name: /^Mail server/ });
    expect(screen.getByText('A password is stored. Leave empty to keep it.')).toBeTruthy();
    fireEvent.change(field, { target: { value: 'smtp.thief.test' } });
    expect(asked()?.textContent).toContain(`from ${host}:${port} to smtp.thief.test:${port}`);
    expect(screen.queryByText('A password is stored. Leave empty to keep it.')).toBeNull();
    fireEvent.change(field, { target: { value: host } });
    expect(asked()).toBeNull();
    fireEvent.change(field, { target: { value: 'smtp.thief.test' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'the new one' } });
    expect(asked()).toBeNull();
  });

  test('goes to the key store together with the server that it is for', async () => {
    const bridge = await edit();
    fireEvent.change(screen.getByRole('textbox', { name: /^Mail server/ }), { target: { value: 'smtp.new.test' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'the new one' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(bridge.calls.some((call) => call.name === 'secrets.set')).toBe(true));
    const given = bridge.calls.find((call) => call.name === 'secrets.set')?.input;
    expect(given).toMatchObject({ secret: 'the new one', gateway: { host: 'smtp.new.test' } });
  });

  test('is asked for again where a settings file has changed the way to the server', async () => {
    await edit({ hasSecret: false, secretAgain: { kind: 'way' } });
    expect(screen.getByText(/because the proxy or the DNS servers were changed with a settings file/)).toBeTruthy();
  });
});

describe('the first run', () => {
  const found = (outside: boolean, source: DiscoveredGateway['source'], host: string): DiscoveredGateway => ({
    source,
    outside,
    gateway: gatewaySchema.parse({
      id: 'new',
      name: 'M',
      host,
      port: 465,
      security: 'tls',
      auth: 'password',
      username: 'a',
    }),
  });
  async function find(list: readonly DiscoveredGateway[]): Promise<MockBridge> {
    const bridge = createMockBridge({ settings: () => defaultSettings(), states: [] });
    bridge.answer('gateways.discover', () => ok({ found: list }));
    open('#/welcome', bridge);
    fireEvent.change(await screen.findByLabelText('E-mail address'), { target: { value: 'ann@example.test' } });
    fireEvent.click(screen.getByRole('button', { name: 'Find my gateway' }));
    return bridge;
  }
  const password = () => screen.queryByLabelText('Password');

  test('asks about a server outside of the domain before a password is asked for or anything tested', async () => {
    const bridge = await find([found(true, 'srv', 'smtp.other.test')]);
    const heading = await screen.findByRole('heading', { level: 2, name: 'Do you know this mail server?' });
    expect(document.activeElement).toBe(heading);
    expect(screen.getByRole('status').textContent).toContain(
      'The DNS says that the mail server of example.test is smtp.other.test.',
    );
    expect([password(), screen.queryByRole('button', { name: 'Test and continue' })]).toEqual([null, null]);
    fireEvent.click(screen.getByRole('button', { name: 'Use smtp.other.test' }));
    await screen.findByRole('heading', { level: 2, name: 'Is this your gateway?' });
    expect(password()).not.toBeNull();
    expect(bridge.calls.some((call) => call.name === 'gateways.test' || call.name === 'secrets.set')).toBe(false);
  });

  test('asks again about each such server that is chosen, and lets the user enter another one', async () => {
    await find([found(false, 'srv', 'smtp.example.test'), found(true, 'database', 'smtp.other.test')]);
    await screen.findByRole('heading', { level: 2, name: 'Is this your gateway?' });
    fireEvent.click(screen.getByRole('radio', { name: 'smtp.other.test:465' }));
    expect((await screen.findByRole('status')).textContent).toContain('A database of mail providers says');
    expect(password()).toBeNull();
    fireEvent.click(screen.getByRole('radio', { name: 'smtp.example.test:465' }));
    expect(password()).not.toBeNull();
    fireEvent.click(screen.getByRole('radio', { name: 'smtp.other.test:465' }));
    fireEvent.click(screen.getByRole('button', { name: 'Enter by hand' }));
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: /^Mail server/ }).value).toBe('');
  });
});

describe('queue view', () => {
  test('new mail above does not lose the selection: Delete takes the message that was chosen', async () => {
    const bridge = open('', createMockBridge({ counts: { outbox: 300 } }));
    await waitFor(() => expect(document.querySelector('#row-0')?.textContent).toContain('@'));
    fireEvent.mouseDown(document.querySelector('#row-0')!, { button: 0 });
    await waitFor(() => expect(document.querySelectorAll('[role=row][aria-selected=true]')).toHaveLength(1));
    await act(async () => {
      bridge.arrive('outbox', 2);
      await Promise.resolve();
    });
    const grid = await screen.findByRole('grid');
    await waitFor(() => expect(grid.getAttribute('aria-rowcount')).toBe('303'));
    await waitFor(() => expect(document.querySelector('#row-0')?.getAttribute('aria-selected')).toBe('false'));
    fireEvent.keyDown(grid, { key: 'Delete' });
    await waitFor(() =>
      expect(bridge.calls.find((call) => call.name === 'queue.delete')?.input).toEqual({
        selection: { ids: ['outbox-0'] },
        forGood: false,
      }),
    );
  });
  test('Ctrl+A and Delete name the folder, not 100,000 messages', async () => {
    const bridge = open('', createMockBridge());
    fireEvent.click(await screen.findByRole('button', { name: /Sent/ }));
    const grid = await screen.findByRole('grid');
    await waitFor(() => expect(grid.getAttribute('aria-rowcount')).toBe('100001'));
    fireEvent.keyDown(grid, { key: 'a', ctrlKey: true });
    expect(await screen.findAllByText('100,000 messages selected')).not.toHaveLength(0);
    fireEvent.keyDown(grid, { key: 'Delete' });
    await waitFor(() =>
      expect(bridge.calls.find((call) => call.name === 'queue.delete')?.input).toEqual({
        selection: { folder: 'sent', search: '', except: [] },
        forGood: false,
      }),
    );
  });
  test('undo names the span of the deletion, not its messages', async () => {
    const bridge = open('', createMockBridge({ counts: { outbox: 300 } }));
    await waitFor(() => expect(document.querySelector('#row-0')?.textContent).toContain('@'));
    fireEvent.mouseDown(document.querySelector('#row-0')!, { button: 0 });
    const grid = await screen.findByRole('grid');
    await waitFor(() => expect(document.querySelector('#row-0')?.getAttribute('aria-selected')).toBe('true'));
    fireEvent.keyDown(grid, { key: 'Delete' });
    await waitFor(() => expect(grid.getAttribute('aria-rowcount')).toBe('300'));
    const undo = await screen.findByRole('button', { name: 'Undo' });
    fireEvent.click(undo);
    await waitFor(() => expect(grid.getAttribute('aria-rowcount')).toBe('301'));
    expect(bridge.calls.find((call) => call.name === 'queue.restore')?.input).toEqual({
      selection: { deletedFrom: 0, deletedTo: 0 },
    });
  });
  test('while sending is paused the rows say so, and not that they are due', async () => {
    const bridge = open('', createMockBridge({ counts: { outbox: 3 } }));
    await waitFor(() => expect(document.querySelector('#row-0')?.textContent).toContain('@'));
    fireEvent.click(screen.getByRole('button', { name: 'Pause' }));
    await waitFor(() => expect(document.querySelector('#row-0')?.textContent).toContain('Paused'));
    expect(screen.queryByText('due now')).toBeNull();
    expect(bridge.calls.some((call) => call.name === 'control.pause')).toBe(true);
  });
  test('the taken port is one click away from another one', async () => {
    const bridge = createMockBridge({
      status: { listener: { kind: 'failed', port: 2525, reason: 'taken', message: '', suggestedPort: 2526 } },
    });
    open('', bridge);
    fireEvent.click(await screen.findByRole('button', { name: 'Use port 2526 instead' }));
    await waitFor(() => expect(bridge.calls).toContainEqual({ name: 'server.usePort', input: { port: 2526 } }));
  });
});
