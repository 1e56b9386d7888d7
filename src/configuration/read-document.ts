/** From text to a document, or to everything that is wrong with it, each with its line. */
import { z } from 'zod';
import { nearestName } from '../core/nearest.ts';
import { type Document, documentSchema } from './document.ts';
import { type Path, type Problem, type Read, refused, type Source } from './problem.ts';
import { SECTIONS } from './sections.ts';
import { readYaml } from './yaml.ts';

export interface SourcedDocument {
  readonly document: Document;
  readonly source: Source;
}

export function readDocument(text: string): Read<SourcedDocument> {
  const read = readYaml(text);
  if (!read.ok) return read;
  const source = read.value;
  const parsed = documentSchema.safeParse(source.value);
  if (!parsed.success) return refused(problemsOf(parsed.error.issues, source));
  const document = parsed.data;
  const conflicts = SECTIONS.flatMap((section) => section.check?.(document) ?? []);
  if (conflicts.length > 0) {
    return refused(
      conflicts.map(({ path, field, message, fix }) => ({
        place: source.placeOf(field === undefined ? path : [...path, field]),
        message,
        fix,
      })),
    );
  }
  return { ok: true, value: { document, source } };
}

/** In the order of the document. */
function problemsOf(issues: readonly z.core.$ZodIssue[], source: Source): Problem[] {
  return issues
    .flatMap((issue) => problemsOfIssue(issue, source))
    .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
}

function problemsOfIssue(issue: z.core.$ZodIssue, source: Source): Problem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => unknownField(name, path, source.placeOf([...path, name])));
  const place = source.placeOf(path);
  if (issue.code === 'invalid_key') return [{ place, message: issue.issues[0]?.message ?? issue.message }];
  if (!source.has(path)) return [{ place, message: `${nameOf(path)} is missing` }];
  const rule = issue.message.replace(/^Invalid (?:input|option|string): /, '');
  return [{ place, message: `${nameOf(path)}: ${rule.slice(0, 1).toLowerCase()}${rule.slice(1)}` }];
}

function unknownField(name: string, path: Path, place: Problem['place']): Problem {
  const known = namesAt(documentSchema, path);
  const nearest = nearestName(name, known);
  const hint = SECTIONS.find(({ key }) => key === path[0])?.hints?.get(name.toLowerCase());
  const listed = known.length === 0 ? 'it takes no fields' : `it takes ${known.join(', ')}`;
  return {
    place,
    message: `unknown field "${name.slice(0, 40)}"${path.length === 0 ? '' : ` in ${nameOf(path)}`}`,
    fix: hint ?? (nearest === undefined ? listed : `did you mean "${nearest}"?`),
  };
}

function nameOf(path: Path): string {
  return path.length === 0 ? 'the document' : path.map(String).join('.');
}

/** The names of members that the schema knows at a path. */
function namesAt(schema: z.ZodType, path: Path): string[] {
  let at = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = bare((at.shape as Record<PropertyKey, z.ZodType>)[step]);
    else if (at instanceof z.ZodRecord) at = bare(at.valueType as z.ZodType);
    else if (at instanceof z.ZodArray) at = bare(at.element as z.ZodType);
  }
  if (at instanceof z.ZodObject) return Object.keys(at.shape);
  if (at instanceof z.ZodRecord && at.keyType instanceof z.ZodEnum) return at.keyType.options.map(String);
  return [];
}

function bare(schema: z.ZodType | undefined): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return bare(schema.unwrap() as z.ZodType);
  return schema ?? z.unknown();
}
