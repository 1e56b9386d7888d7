/** The form of names that people give: teams, projects, environments, provider keys. */
import { SallyportError } from './errors.ts';

export const NAME_SHAPE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Throws `input.invalid` unless `name` can be a name. */
export function checkName(noun: string, name: string): string {
  if (NAME_SHAPE.test(name)) return name;
  throw new SallyportError('input.invalid', `"${name.slice(0, 64)}" cannot be the name of a ${noun}.`, {
    fix: 'Use 1 to 63 letters, digits, dots, hyphens or underscores, beginning with a letter or digit.',
  });
}
