import { expect, test } from 'vitest';
import { safeDocument } from '../../renderer/details/safe-html.ts';

test.each([
  ['a script', '<script>x()</script>', /x\(\)/],
  ['an event handler', '<p onclick="x()">t</p>', /onclick/],
  ['a remote picture', '<img src="http://tracker.test/a.gif">', /tracker/],
  ['a remote background', '<table background="http://tracker.test/a.gif"></table>', /tracker/],
  ['a source set', '<img srcset="http://tracker.test/a.gif 2x">', /tracker/],
  [
    'a remote style',
    '<style>@import "http://tracker.test/a.css"; p{background:url(http://tracker.test/b)}</style>',
    /tracker/,
  ],
  ['a refresh', '<meta http-equiv="refresh" content="0;url=http://tracker.test/">', /refresh/],
  ['a frame', '<iframe src="http://tracker.test/"></iframe>', /<iframe/],
  ['a form', '<form action="http://tracker.test/"><input></form>', /<form/],
  ['a base', '<base href="http://tracker.test/">', /<base/],
])('%s does not get through', (_, html, trace) => expect(safeDocument(html, 'n')).not.toMatch(trace));
test('a link says where it leads and leads nowhere', () => {
  const page = safeDocument('<a href="http://shop.test/">buy</a>', 'n');
  expect(page).toContain('title="http://shop.test/"');
  expect(page).not.toContain('href');
});
test('text and data pictures stay', () => {
  const page = safeDocument('<p>Good <b>morning</b></p><img src="data:image/png;base64,AAAA">', 'n');
  expect(page).toContain('<b>morning</b>');
  expect(page).toContain('data:image/png');
});
