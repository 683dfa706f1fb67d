/** Words for phrases on the command line. Pure. */
import type { Phrase } from '../../shared/mail.ts';
import { time } from './format.ts';

/** Words by phrase id; `{name}` stands for a parameter, `_one` and `_other` are chosen by `count`. */
export type Catalogue = Readonly<Record<string, string>>;

/** A phrase that the catalogue does not know is shown by its id and facts: never nothing. */
export function createSay(catalogue: Catalogue): (phrase: Phrase) => string {
  return ({ id, params = {} }) => {
    const form = 'count' in params ? `${id}_${params['count'] === 1 ? 'one' : 'other'}` : id;
    const known = [form, id].find((one) => Object.hasOwn(catalogue, one));
    const words = known === undefined ? undefined : catalogue[known];
    if (words === undefined) {
      const facts = Object.entries(params).map(([name, value]) => `${name} ${value}`);
      return facts.length === 0 ? id : `${id} (${facts.join(', ')})`;
    }
    return words.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
      const value = Object.hasOwn(params, name) ? params[name] : undefined;
      if (value === undefined) return whole;
      return name === 'at' && typeof value === 'number' ? time(value) : String(value);
    });
  };
}
