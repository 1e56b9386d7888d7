import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { RULES_PAGE, rulesPage } from '../../scripts/update-leak-rules.ts';

test('the page of rules says what the table says: npm run leak-rules', () => {
  expect(readFileSync(RULES_PAGE, 'utf8')).toBe(rulesPage());
});
