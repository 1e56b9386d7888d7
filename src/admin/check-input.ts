/** Validates what a request carries. Messages name fields and rules, never values: one of them may be a key in the wrong place. */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { nearestName } from '../core/nearest.ts';

/** What a part of a request is called in messages. */
export type InputPart = 'path' | 'query' | 'body';

/** The validated value. Throws `input.invalid` and names the first field that does not fit; an unknown one with the nearest known. */
export function checkInput<S extends z.ZodObject>(part: InputPart, schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues.toSorted((a, b) => rank(a) - rank(b));
  if (!issue) throw new TypeError('A validation failed without an issue.');
  throw issue.code === 'unrecognized_keys'
    ? unknownField(part, schema, issue.path, issue.keys[0] ?? '')
    : badField(part, issue);
}

/** A field that nobody knows explains what is missing elsewhere. */
function rank(issue: z.core.$ZodIssue): number {
  return issue.code === 'unrecognized_keys' ? 0 : 1;
}

function unknownField(
  part: InputPart,
  schema: z.ZodType,
  path: readonly PropertyKey[],
  name: string,
): SallyportError {
  const known = Object.keys(shapeAt(schema, path));
  const nearest = nearestName(name, known);
  const place = path.length === 0 ? '' : ` in ${path.join('.')}`;
  // Only a name close to a real one is surely a name.
  const shown = nearest === undefined ? 'a field that' : `the field "${name}", which`;
  const listed = known.length === 0 ? 'It takes no fields.' : `It takes ${known.join(', ')}.`;
  return new SallyportError('input.invalid', `The ${part} has ${shown} nobody knows${place}.`, {
    fix: nearest === undefined ? listed : `Did you mean "${nearest}"?`,
  });
}

function badField(part: InputPart, issue: z.core.$ZodIssue): SallyportError {
  const rule = issue.message.replace(/^Invalid (?:input|option|string): /, '');
  const field = issue.path.length === 0 ? `The ${part}` : `The field ${issue.path.join('.')} of the ${part}`;
  return new SallyportError('input.invalid', `${field} is not valid: ${rule}.`, {
    fix: 'Correct it and send the request again.',
  });
}

function shapeAt(schema: z.ZodType, path: readonly PropertyKey[]): Readonly<Record<string, unknown>> {
  let at: z.ZodType = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrapped((at.shape as Record<PropertyKey, z.ZodType>)[step]);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element as z.ZodType);
  }
  return at instanceof z.ZodObject ? at.shape : {};
}

function unwrapped(schema: z.ZodType | undefined): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  return schema ?? z.unknown();
}
