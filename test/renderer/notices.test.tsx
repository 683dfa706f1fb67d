import { FluentProvider, webLightTheme } from '@fluentui/react-components';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LocaleProvider } from '../../renderer/i18n/locale.tsx';
import { NoticesProvider, useNotices } from '../../renderer/notices.tsx';

beforeEach(() => {
  Reflect.deleteProperty(Element.prototype, 'animate');
});
afterEach(cleanup);

function Buttons() {
  const notices = useNotices();
  return (
    <>
      <button onClick={() => notices.done('Copied')}>copy</button>
      <button onClick={() => notices.done('1 message deleted', () => undefined)}>delete</button>
      <button onClick={() => notices.failed('Not saved', 'The disk is full.')}>save</button>
    </>
  );
}

test('the same words stand there once, but each deletion has an undo of its own', async () => {
  render(
    <FluentProvider theme={webLightTheme}>
      <LocaleProvider locale="en">
        <NoticesProvider>
          <Buttons />
        </NoticesProvider>
      </LocaleProvider>
    </FluentProvider>,
  );
  for (const name of ['copy', 'copy', 'copy', 'save', 'save', 'delete', 'delete'])
    fireEvent.click(screen.getByRole('button', { name }));
  const seen = (await screen.findAllByRole('listitem')).map((notice) => notice.textContent);
  // Words are followed by those of the button.
  for (const [words, times] of [
    ['Copied', 1],
    ['Not saved', 1],
    ['1 message deleted', 2],
  ] as const)
    expect(seen.filter((text) => text.startsWith(words))).toHaveLength(times);
});
