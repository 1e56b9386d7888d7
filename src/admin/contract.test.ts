import { expect, test } from 'bun:test';
import { z } from 'zod';
import { SCOPE_VERBS } from '../access/scope.ts';
import { ROUTES, type RouteSpec } from './contract.ts';

const routes: [string, RouteSpec][] = Object.entries(ROUTES);

test('the table holds routes', () => {
  expect(routes.length).toBeGreaterThan(20);
});

test.each(routes)('%s refuses unknown fields in path, query and body', (_, route) => {
  for (const schema of [route.params, route.query, route.body]) {
    const { error } = schema.safeParse({ surelyNoField: 1 });
    expect(error?.issues.some(({ code }) => code === 'unrecognized_keys')).toBe(true);
  }
});

test.each(routes)('%s names in its schema exactly the parameters of its path', (_, { path, params }) => {
  const inPath = [...path.matchAll(/:([a-z]+)/g)].map(([, name]) => name ?? '');
  expect(Object.keys(params.shape)).toEqual(inPath);
});

test.each(routes)('%s asks for a scope that a token can have', (_, { scope, method }) => {
  const [verb = '', access] = scope.split(':');
  expect(SCOPE_VERBS as readonly string[]).toContain(verb);
  // `explain` and questions about leaks have a body.
  const reads = method === 'GET' || scope === 'tokens:read' || scope === 'leaks:read';
  expect(access).toBe(reads ? 'read' : 'write');
});

test('no two routes have the same method and path', () => {
  const addresses = routes.map(([, { method, path }]) => `${method} ${path.replaceAll(/:[a-z]+/g, ':')}`);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test('no amount of money is a number', () => {
  const money: string[] = [];
  const walk = (schema: z.ZodType, name: string): void => {
    if (/PicoUsd$|Usd$/.test(name)) money.push(`${name}: ${innermost(schema).type}`);
    const inner = innermost(schema);
    if (inner instanceof z.ZodObject)
      for (const [field, one] of Object.entries(inner.shape)) walk(one as z.ZodType, field);
    if (inner instanceof z.ZodArray) walk(inner.element as z.ZodType, '');
  };
  for (const [, { body, response }] of routes) for (const schema of [body, response]) walk(schema, '');
  expect(money.length).toBeGreaterThan(10);
  expect(money.filter((field) => !field.endsWith(': string'))).toEqual([]);
});

function innermost(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? innermost(schema.unwrap() as z.ZodType)
    : schema;
}
