import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { adminRig } from '../admin/test-rig.ts';
import { documentJsonSchema } from './json-schema.ts';
import { readDocument } from './read-document.ts';
import { applied, contractOf, exported, goodPlan } from './test-contract.ts';
import { documents, ENV } from './test-documents.ts';

const validate = new Ajv({ strictSchema: true, allErrors: true, allowUnionTypes: true }).compile(
  documentJsonSchema(),
);
const GUIDE = readFileSync(join(import.meta.dir, '..', '..', 'docs', 'guide', 'configuration.md'), 'utf8');
const EXAMPLES = [...GUIDE.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

test('every example of the guide is valid by the schema, is applied, and is then what export prints', async () => {
  expect(EXAMPLES.length).toBeGreaterThan(0);
  for (const text of EXAMPLES) {
    expect([validate(parse(text)), validate.errors]).toEqual([true, null]);
    const contract = contractOf(await adminRig());
    expect((await applied(text, contract, false, ENV)).stop).toBeNull();
    expect((await goodPlan(text, contract, false, ENV)).changes).toEqual([]);
    expect((await goodPlan(await exported(contract), contract, false, ENV)).changes).toEqual([]);
  }
});

test('one example shows every section', () => {
  const sections = EXAMPLES.map((text) => Object.keys(parse(text) as object));
  const { properties } = documentJsonSchema() as { properties: object };
  expect(sections).toContainEqual(Object.keys(properties));
});

test('the schema takes what apply takes', () => {
  fc.assert(
    fc.property(documents, (document) => {
      expect([validate(JSON.parse(JSON.stringify(document))), validate.errors]).toEqual([true, null]);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['an unknown section', { version: 1, team: {} }],
  ['no version', { teams: {} }],
  ['an unknown field', { version: 1, teams: { chat: { allowdModels: [] } } }],
  ['a name that is none', { version: 1, teams: { 'a b': {} } }],
  ['half a request', { version: 1, teams: { chat: { rateLimitRPM: 1.5 } } }],
  ['an amount that is none', { version: 1, budgets: { org: { day: { limitUsd: 'much' } } } }],
  ['no money', { version: 1, budgets: { org: { day: { limitUsd: 0 } } } }],
  ['another period', { version: 1, budgets: { org: { year: { limitUsd: 1 } } } }],
  ['limits of a token', { version: 1, limits: { 'token:0aB1cD2eF3gH': {} } }],
])('the schema marks %s, as apply does', (_, document) => {
  expect(validate(document)).toBe(false);
  expect(readDocument(JSON.stringify(document)).ok).toBe(false);
});

test('every field has a description', () => {
  const bare: string[] = [];
  const walk = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    const { properties, additionalProperties, anyOf } = schema as Record<string, unknown>;
    for (const [name, member] of Object.entries(properties ?? {})) {
      // What is in a bound is said by the bound.
      if (!path.includes('.bounds.') && !JSON.stringify(member).includes('"description"'))
        bare.push(`${path}.${name}`);
      walk(member, `${path}.${name}`);
    }
    walk(additionalProperties, `${path}.*`);
    for (const one of Array.isArray(anyOf) ? anyOf : []) walk(one, path);
  };
  walk(documentJsonSchema(), '');
  expect(bare).toEqual([]);
});
