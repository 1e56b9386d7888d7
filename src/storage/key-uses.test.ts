import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { keyUses } from './migration-5.ts';
import { migrate } from './migrations.ts';

test('a database from before knows the newest call of each key after the upgrade', () => {
  using database = new Database(':memory:', { strict: true, safeIntegers: true });
  migrate(database);
  database.run('drop table key_uses');
  const insert = database.prepare(
    `insert into audit_index (id, stream, seq, at_ms, action, token_id, team, key_id, prompt_tokens, completion_tokens,
      cached_tokens, cost_pico_usd, bound_pico_usd, charges, metadata)
      values (?, 's', 1, ?, ?, ?, 'one', ?, 0, 0, 0, 0, 0, '[]', '{}')`,
  );
  insert.run('a', 1000, 'call', 'old', 'groq@1');
  insert.run('b', 3000, 'call', 'new', 'groq@1');
  insert.run('c', 2000, 'call', 'mid', 'groq@1');
  insert.run('d', 9000, 'key.rejected', 'none', 'groq@1');
  insert.run('e', 9000, 'call', 'none', null);
  insert.finalize();
  for (const statement of keyUses) database.run(statement);
  expect(database.query('select * from key_uses').all()).toEqual([
    { key_id: 'groq@1', at_ms: 3000n, token_id: 'new', team: 'one' },
  ]);
});
