/**
 * What a person may write into settings.json besides the exact form (docs/handbook, *settings.json*): another case of a
 * word, numbers and true/false in quotation marks, one entry where a list belongs. Pure; says nothing of what is valid.
 */
import * as z from 'zod';

/** The schema below defaults. */
export function bareSchema(schema: z.core.$ZodType): z.core.$ZodType {
  let at = schema;
  while (at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional) at = at.unwrap();
  return at;
}

/** The schemas of a group's settings, by name; none if it is no group. */
export function settingsIn(schema: z.core.$ZodType): readonly (readonly [string, z.core.$ZodType])[] {
  const bare = bareSchema(schema);
  return bare instanceof z.ZodObject ? Object.entries(bare.shape) : [];
}

/** Blanks, hyphens and case do not matter in a word that is one of a few: `Below-Normal`. */
const wordKey = (word: string): string => word.toLowerCase().replaceAll(/[\s_-]/g, '');

/** The value as the schema wants it, if it is understood; else as it came. */
export function normaliseHandWritten(schema: z.core.$ZodType, value: unknown): unknown {
  const bare = bareSchema(schema);
  if (bare instanceof z.ZodEnum) {
    if (typeof value !== 'string') return value;
    return bare.options.find((option) => typeof option === 'string' && wordKey(option) === wordKey(value)) ?? value;
  }
  if (bare instanceof z.ZodNumber) {
    return typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  }
  if (bare instanceof z.ZodBoolean) {
    const word = typeof value === 'string' ? value.trim().toLowerCase() : '';
    return word === 'true' || word === 'false' ? word === 'true' : value;
  }
  if (bare instanceof z.ZodArray) {
    const list = typeof value === 'string' || typeof value === 'number' ? [value] : value;
    return Array.isArray(list) ? list.map((item) => normaliseHandWritten(bare.element, item)) : list;
  }
  if (bare instanceof z.ZodObject && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const copy = { ...value } as Record<string, unknown>;
    for (const [key, inner] of settingsIn(bare)) {
      if (Object.hasOwn(copy, key)) copy[key] = normaliseHandWritten(inner, copy[key]);
    }
    return copy;
  }
  return value;
}
