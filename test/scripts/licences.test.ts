import { describe, expect, it } from 'vitest';
import { mergeLicences } from '../../scripts/lib/licences.mjs';

const list = (...sections: readonly string[]) =>
  `# Licenses\n\nThe app bundles dependencies:\n\n${sections.join('\n\n')}\n`;

describe('the list of licences', () => {
  it('has each library once, by name, with its text', () => {
    const zod = '## zod - 4.6.7 (MIT)\n\nThe text of zod\n\n## with a heading of its own\n\nand an end';
    const merged = mergeLicences([list(zod, '## react - 19.3.1 (MIT)\n\nR'), list(zod)], () => 'none');
    expect(merged.match(/^## .* \(MIT\)$/gm)).toEqual(['## react - 19.3.1 (MIT)', '## zod - 4.6.7 (MIT)']);
    expect(merged).toContain('with a heading of its own\n\nand an end');
  });

  it('takes a list that begins with a library, and one without any', () => {
    expect(mergeLicences(['## @a/b - 1.0.0 (MIT)\n\ntext', '# Licenses\n\nNone.\n'], () => '')).toContain('@a/b');
  });

  it('asks for the text of a library that brings none', () => {
    const merged = mergeLicences([list('## @x/y - 2.0.0 (MIT)', '## z - 1.0.0 (ISC)\n\nZ')], (...of) =>
      of.join(' is '),
    );
    expect(merged).toContain('## @x/y - 2.0.0 (MIT)\n\n@x/y is MIT\n');
  });
});
