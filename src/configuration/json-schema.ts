/** The document's JSON Schema, for editors: they complete names and mark mistakes while somebody writes. */
import { z } from 'zod';
import { documentSchema } from './document.ts';
import { usdField } from './fields.ts';

/** Draft 7, which every editor knows. */
export function documentJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(documentSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema !== usdField && zodSchema._zod.parent !== usdField) return;
      delete jsonSchema.type;
      jsonSchema.anyOf = [
        { type: 'string', pattern: String.raw`^\d{1,7}(\.\d{1,12})?$` },
        { type: 'number', exclusiveMinimum: 0, maximum: 1_000_000 },
      ];
    },
  });
  return { $schema, title: 'Sallyport configuration', ...schema };
}
