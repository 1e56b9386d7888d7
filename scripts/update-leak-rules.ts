/** Writes docs/guide/leak-rules.md from the table of the scanner's rules; a test holds the page against it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patternOf, type Rule } from '../src/detect/rule.ts';
import { RULES } from '../src/detect/rules.ts';

export const RULES_PAGE = join(import.meta.dir, '..', 'docs', 'guide', 'leak-rules.md');

const OWN = {
  'azure-secret': '`[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`',
  pem: 'from `-----BEGIN … PRIVATE KEY-----` on; without enough of a key behind it, "may be"',
  jwt: 'three parts of base64url, of which the first is a JSON object with `alg`',
  connection: '`scheme://user:password@host`, not for this machine, an example or a name without a dot',
} as const;

export function rulesPage(): string {
  const rows = RULES.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)).map(row);
  return `# What the scanner finds

Made from the table in [\`src/detect/rules.ts\`](../../src/detect/rules.ts) by \`npm run leak-rules\`; ${RULES.length} rules. How a value has to look besides
(random, not a placeholder; standing at the start of something) is in [leaks](leaks.md).

| Rule | Of | What | Shape | Severity | Revoke | Free check |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function sortKey({ provider, id }: Rule): string {
  return `${provider.toLowerCase()} ${id}`;
}

function row(rule: Rule): string {
  const { id, provider, what, severity, revoke, safeCheck, onRequest } = rule;
  const where = revoke.startsWith('https://') ? `<${revoke}>` : revoke;
  const cells = [
    `\`${id}\``,
    provider,
    what,
    shapeOf(rule),
    `${severity}${onRequest ? ', on request' : ''}`,
    where,
    safeCheck === undefined ? '' : `\`${safeCheck}\``,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

function shapeOf({ shape }: Rule): string {
  if (shape.by === 'context') {
    const lengths = shape.lengths.map(([least, most]) =>
      least === most ? `${least}` : `${least} to ${most}`,
    );
    return `${lengths.join(' or ')} characters, told by what stands ${shape.named ? 'around' : 'before'} it`;
  }
  if (shape.by !== 'prefix') return OWN[shape.by];
  const { marker, loose, proof } = shape;
  return [
    `\`${patternOf(shape)}\``,
    ...(marker ? [`or any length with \`${marker.text}\` inside`] : []),
    ...(shape.before ? ['if what stands before says so'] : []),
    ...(shape.named ? ['beside the name of its provider'] : []),
    ...(proof ? ['with the right checksum'] : []),
    ...(loose ? [`"may be" from ${loose.least} characters`] : []),
  ].join(', ');
}

if (import.meta.main) writeFileSync(RULES_PAGE, rulesPage());
