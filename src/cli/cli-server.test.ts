/** The commands against a running Sallyport, over its real socket and its real journal. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixtureKey, MODEL, type OpenGate, openGate } from '../../test/support/harness.ts';
import { keyFingerprint, startFake } from '../fake/fake.ts';
import { type Ran, run, type TestIoOptions } from './test-io.ts';

let gate: OpenGate;
/** Runs a command on the gate's data folder. */
let cli: (line: readonly string[], options?: TestIoOptions) => Promise<Ran>;

beforeAll(async () => {
  gate = await openGate();
  cli = (line, options = {}) => run(line, { ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
});

describe('teams', () => {
  test('are added, shown and changed; JSON holds exactly the five fields of a policy', async () => {
    const flags = [
      '--allowed-models',
      'openai/*,qwen/*',
      '--max-tokens',
      '512',
      '--monthly-budget-usd',
      '250',
    ];
    const added = await cli(['team', 'add', 'chat', ...flags, '--rpm', '60', '--concurrency', '4', '--json']);
    expect(added.code).toBe(0);
    const policy = {
      allowedModels: ['openai/*', 'qwen/*'],
      maxTokensPerRequest: 512,
      monthlyBudgetUsd: '250.00',
      rateLimitRPM: 60,
      concurrency: 4,
    };
    expect(added.json()).toMatchObject({ id: 'chat', policy });
    expect((await cli(['team', 'policy', 'chat', '--json'])).json()).toEqual(policy);
    await cli(['team', 'policy', 'chat', '--max-tokens', 'none']);
    const shown = await cli(['team', 'show', 'chat', '--json']);
    expect(shown.json()['policy']).toEqual({ ...policy, maxTokensPerRequest: null });
    expect((await cli(['team', 'list'])).out).toMatch(/^TEAM .*\nacme .*\nchat .*\$250\.00/);
  });

  test('limits of rate are set, shown and listed; none takes one away', async () => {
    const set = await cli(['limit', 'set', '--team', 'acme', '--tpm', '900000', '--rpd', '5000', '--json']);
    expect(set.json()).toMatchObject({ subject: 'team:acme', rateLimitTPM: 900_000, rateLimitRPD: 5000 });
    expect((await cli(['limit', 'show', '--team', 'acme'])).out).toContain('900000');
    expect((await cli(['limit', 'list'])).out).toContain('team:acme');
    expect((await cli(['limit', 'set', '--team', 'acme', '--tpm', 'none', '--rpd', 'none'])).code).toBe(0);
    expect((await cli(['limit', 'list'])).out).not.toContain('team:acme');
    expect((await cli(['limit', 'set', '--tpm', '5'])).code).toBe(2);
    expect((await cli(['budget', 'clock-ok', '--json'])).json()).toMatchObject({ resumed: false });
  });

  test('a mistyped name is answered with the nearest one', async () => {
    const { code, err } = await cli(['team', 'show', 'acmee']);
    expect([code, err]).toEqual([
      2,
      'sallyport: error: there is no team "acmee"\nsallyport: hint: did you mean "acme"?\n',
    ]);
    expect((await cli(['team', 'add', 'acme'])).code).toBe(2);
  });

  test('projects and environments', async () => {
    expect((await cli(['project', 'add', 'bot', '--team', 'acme'])).code).toBe(0);
    expect((await cli(['project', 'list', '--json'])).jsonList()).toMatchObject([
      { id: 'bot', team: 'acme' },
    ]);
    expect((await cli(['env', 'add', 'sandbox'])).code).toBe(0);
    expect((await cli(['env', 'list'])).out).toContain('sandbox');
  });
});

describe('tokens', () => {
  const issue = ['token', 'issue', '--team', 'acme', '--env', 'dev', '--scope', 'call:groq/*'];

  test('the token stands alone on standard output, and works', async () => {
    const { out, err, code } = await cli(issue);
    expect(code).toBe(0);
    expect(out).toMatch(/^sallyp_s[0-9A-Za-z]{12}_[0-9A-Za-z]{38}\n$/);
    expect(err).not.toContain(out.slice(21, 50));
    expect(gate.app.tokens.authenticate(out.trim()).team).toBe('acme');
  });

  test('JSON has id, token and expiresAt; the default lifetime is that of the type', async () => {
    const issued = (await cli([...issue, '--type', 'ci', '--json'])).json();
    expect(issued['id']).toBe(String(issued['token']).slice(8, 20));
    const lives = Date.parse(String(issued['expiresAt'])) - Date.now();
    expect(lives).toBeGreaterThan(14 * 60_000);
    expect(lives).toBeLessThanOrEqual(15 * 60_000);
  });

  test('every option arrives', async () => {
    const options = [
      '--name',
      'my app',
      '--expires',
      '12h',
      '--cidr',
      '127.0.0.0/8',
      '--cidr',
      '::1',
      '--browser-safe',
    ];
    const limits = ['--rpm', '5', '--concurrency', '2', '--budget-usd', '0.50', '--budget-period', 'day'];
    const issued = (await cli([...issue, ...options, ...limits, '--on-cap', 'refuse', '--json'])).json();
    const shown = (await cli(['token', 'show', String(issued['id']), '--json'])).json();
    expect(shown).toMatchObject({
      name: 'my app',
      cidrs: ['127.0.0.0/8', '::1'],
      browserSafe: true,
      rateLimitRPM: 5,
      concurrency: 2,
      defaultProvider: 'groq',
      issuedBy: 'local',
    });
    const budget = (await cli(['budget', 'show', '--token', String(issued['id']), '--json'])).json();
    expect(budget).toMatchObject({ limitPicoUsd: '500000000000', period: 'day', onCap: 'refuse' });
  });

  test('a token that nothing bounds is issued over the socket, with a warning; with a budget on its path there is none', async () => {
    await cli(['team', 'add', 'loose']);
    const at = (team: string, ...more: string[]) =>
      cli(['token', 'issue', '--team', team, '--env', 'dev', '--scope', 'call:groq/*', ...more]);
    const warning = 'no budget bounds what this token may spend; set one: sallyport budget set --team loose';
    const bare = await at('loose');
    expect([bare.code, bare.out.startsWith('sallyp_')]).toEqual([0, true]);
    expect(bare.err).toContain(warning);
    const json = await at('loose', '--json');
    expect([json.json()['unbounded'], json.err.includes(warning)]).toEqual([true, true]);
    expect((await at('loose', '--budget-usd', '5')).err).not.toContain('no budget');
    await cli(['budget', 'set', '--team', 'loose', '--period', 'month', '--limit-usd', '5']);
    expect((await at('loose')).err).not.toContain('no budget');
    expect((await at('loose', '--json')).json()['unbounded']).toBe(false);
  });

  test('a new environment is added with a note, a likely slip is refused', async () => {
    const at = (env: string) =>
      cli(['token', 'issue', '--team', 'acme', '--env', env, '--scope', 'call:groq/*']);
    const added = await at('preview');
    expect(added.err).toContain('the environment preview is new and has been added');
    const slip = await at('prodd');
    expect([slip.code, slip.out]).toEqual([2, '']);
    expect(slip.err).toContain('did you mean "prod"?');
  });

  test('a revoked token is refused at its next call', async () => {
    const token = (await cli(issue)).out.trim();
    const call = () =>
      fetch(`${gate.url}/health`, { headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      );
    expect(await call()).toBe(200);
    const revoked = await cli(['token', 'revoke', token.slice(8, 20), '--reason', 'lost', '--json']);
    expect(revoked.json()).toMatchObject({ state: 'revoked', revokedReason: 'lost' });
    expect(await call()).toBe(401);
    expect((await cli(['token', 'list'])).out).not.toContain(token.slice(8, 20));
    expect((await cli(['token', 'list', '--all'])).out).toContain(token.slice(8, 20));
  });
});

describe('keys', () => {
  const origin = () => ['--origin', gate.fake.url, '--allow-private-origin'];

  test('the value comes from a pipe or a prompt, and is printed nowhere', async () => {
    for (const [name, given] of [
      ['piped', (key: string) => ({ stdin: `${key}\n` })],
      ['typed', (key: string) => ({ typed: key })],
    ] as const) {
      const key = fixtureKey();
      const added = await cli(['key', 'add', name, '--provider', 'groq', ...origin(), '--json'], given(key));
      expect(added.code).toBe(0);
      expect(added.json()).toMatchObject({
        name,
        provider: 'groq',
        version: 1,
        verification: { verdict: 'alive' },
      });
      const shown = await cli(['key', 'show', name]);
      expect(`${added.out}${added.err}${shown.out}`).not.toContain(key.slice(4, 20));
      expect(shown.out).toContain(String(added.json()['fingerprint']));
    }
  });

  test('a dead key is sealed, but disabled: exit code 1, and how to go on', async () => {
    const key = fixtureKey();
    gate.fake.setKnobs({ keys: { [keyFingerprint(key)]: 'dead' } });
    const added = await cli(['key', 'add', 'dead', '--provider', 'groq', ...origin()], { stdin: key });
    expect(added.code).toBe(1);
    expect(added.out).toMatch(/verdict +dead/);
    expect(added.err).toContain('sallyport key add dead --replace');
    const verified = await cli(['key', 'verify', 'dead', '--json']);
    expect(verified.code).toBe(1);
    expect(verified.json()['meaning']).toContain('disabled');
    const again = await cli(['key', 'add', 'dead', '--replace'], { stdin: fixtureKey() });
    expect([again.code, again.err.includes('sallyport key enable dead')]).toEqual([0, true]);
    expect((await cli(['key', 'enable', 'dead'])).code).toBe(0);
    expect((await cli(['key', 'verify', 'dead'])).code).toBe(0);
    expect((await cli(['key', 'disable', 'dead', '--json'])).json()).toMatchObject({ state: 'disabled' });
  });

  test('without verification nothing is sent', async () => {
    const { url, calls, stop } = startFake();
    const argv = ['key', 'add', 'unasked', '--provider', 'groq', '--origin', url, '--allow-private-origin'];
    const added = await cli([...argv, '--no-verify', '--json'], { stdin: fixtureKey() });
    expect([added.code, added.json()['verification'], calls().length]).toEqual([0, null, 0]);
    await stop();
  });

  test('an empty pipe is no key', async () => {
    const { code, err } = await cli(['key', 'add', 'empty', '--provider', 'groq'], { stdin: '\n' });
    expect([code, err.includes('no key was given')]).toEqual([2, true]);
  });
});

describe('money', () => {
  test('a budget is set, spent, corrected and resumed, to the pico-USD', async () => {
    const set = await cli(['budget', 'set', '--team', 'acme', '--limit-usd', '0.01', '--json']);
    expect(set.json()).toMatchObject({ id: 'team-acme-month', onCap: 'pause', state: 'active' });
    const before = gate.fake.bill().picoUsd;
    await (await gate.chat()).text();
    const spent = BigInt(gate.fake.bill().picoUsd) - BigInt(before);
    const show = () => cli(['budget', 'show', '--team', 'acme', '--json']).then((ran) => ran.json());
    expect(await show()).toMatchObject({ spentPicoUsd: String(spent), heldPicoUsd: '0' });
    const adjust = ['budget', 'adjust', 'team-acme-month', '--delta-usd', '0.01', '--reason', 'test'];
    expect((await cli(adjust)).code).toBe(0);
    expect((await gate.chat()).status).toBe(402);
    expect((await show())['state']).toBe('paused');
    expect((await cli(['status'])).err).toContain('budget team-acme-month is paused');
    await cli(['budget', 'adjust', '--team', 'acme', '--delta-usd', '-0.01', '--reason', 'test over']);
    expect((await cli(['budget', 'resume', '--team', 'acme'])).code).toBe(0);
    expect((await gate.chat()).status).toBe(200);
  });

  test('a budget that there is not is exit code 2, with the command that sets it', async () => {
    const { code, err } = await cli(['budget', 'show', '--team', 'acme', '--period', 'day']);
    expect(code).toBe(2);
    expect(err).toContain('sallyport budget set --team acme --period day');
  });

  test('explain says what the gateway would do', async () => {
    const allowed = await cli([
      'explain',
      '--token',
      gate.tokenId,
      '--model',
      MODEL,
      '--max-tokens',
      '50',
      '--json',
    ]);
    expect([allowed.code, allowed.json()['allowed']]).toEqual([0, true]);
    const refused = await cli(['explain', '--token', gate.tokenId, '--model', 'no/model']);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('(model.unknown)');
  });
});

describe('audit and usage', () => {
  test('a call is found by its id at once, with address and user in clear', async () => {
    const reply = await gate.chat({ user: '=ada' });
    await reply.text();
    const id = reply.headers.get('x-request-id') ?? '';
    const [entry] = (await cli(['audit', 'query', '--call', id, '--json'])).jsonList();
    expect(entry).toMatchObject({
      id,
      action: 'call',
      team: 'acme',
      model: MODEL,
      userId: '=ada',
      address: '127.0.0.1',
    });
    const csv = await cli(['usage', '--by', 'user', '--csv']);
    expect(csv.out).toStartWith('user,calls,errors,prompt_tokens,completion_tokens,cost_usd\n');
    expect(csv.out).toContain("'=ada,1,0,");
    expect((await cli(['usage', '--by', 'team'])).out).toContain('acme');
  });

  test('filters hold', async () => {
    await gate.chat({ model: 'no/model' });
    const query = ['audit', 'query', '--team', 'acme', '--result', 'error', '--since', '1h', '--json'];
    const entries = (await cli([...query, '--error', 'model.unknown'])).jsonList();
    expect(entries.length).toBeGreaterThan(0);
    expect(new Set(entries.map(({ errorCode }) => errorCode))).toEqual(new Set(['model.unknown']));
    expect((await cli(['audit', 'query', '--until', '2020-01-01', '--json'])).jsonList()).toEqual([]);
  });

  test('tail prints the newest last, one JSON object a line', async () => {
    await cli(['env', 'add', 'tail-me']);
    const lines = (await cli(['audit', 'tail', '-n', '2', '--json'])).out.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      action: 'control.environment.add',
      principal: 'local',
    });
  });

  test('tail --follow prints what comes, each once', async () => {
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    const following = cli(['audit', 'tail', '-f', '-n', '1', '--json'], { stopped });
    await Bun.sleep(100);
    const { headers } = await gate.chat();
    await Bun.sleep(1300);
    stop();
    const { out, code } = await following;
    const ids = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect([code, new Set(ids).size]).toEqual([0, ids.length]);
    expect(ids.slice(1)).toContain(headers.get('x-request-id') ?? '');
  });

  test('the journal verifies offline while it is written, and a changed byte is found', async () => {
    const verified = await cli(['audit', 'verify', '--json']);
    expect(verified.code).toBe(0);
    expect(verified.json()).toMatchObject({ ok: true, anchored: false, problem: null });
    expect((await cli(['audit', 'verify'])).out).toEndWith(': unbroken, not anchored\n');
    const stream = readdirSync(join(gate.data, 'journal')).find((name) => name.includes('@')) ?? '';
    const segment = join(gate.data, 'journal', stream, '000001.jsonl');
    const intact = readFileSync(segment);
    const broken = Buffer.from(intact);
    const at = broken.indexOf('"action":"control.team.add"');
    broken.write('"action":"control.team.axx"', at);
    writeFileSync(segment, broken);
    const found = await cli(['audit', 'verify']);
    writeFileSync(segment, intact);
    expect(found.code).toBe(1);
    expect(found.out).toStartWith('broken after ');
    expect((await run(['audit', 'verify', '--data', '/nonexistent'])).code).toBe(2);
  });
});

test('status names teams without a budget, and the folder it is about', async () => {
  await cli(['team', 'add', 'free']);
  const ran = await cli(['status', '--json']);
  expect(ran.code).toBe(0);
  expect(ran.json()).toMatchObject({ ready: true, dataFolder: gate.data, gatewayUrl: gate.url });
  expect(ran.err).toContain('warning: team free has no budget');
});

test('an admin token does over --url what its scopes say, and a refusal is exit code 1', async () => {
  const issue = ['token', 'issue', '--type', 'admin', '--scope', 'teams:read'];
  const env = { SALLYPORT_ADMIN_TOKEN: (await cli(issue)).out.trim() };
  const remote = (...argv: string[]) => run([...argv, '--url', gate.app.adminUrl], { env });
  expect((await remote('team', 'list')).out).toContain('acme');
  const refused = await remote('key', 'list');
  expect([refused.code, refused.err.split('\n')[0]]).toEqual([
    1,
    'sallyport: error: this needs the scope keys:read',
  ]);
});

test('fake runs until it is told to stop', async () => {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const running = run(['fake', '--json'], { stopped });
  await Bun.sleep(20);
  stop();
  const { code, out } = await running;
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    event: 'ready',
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
  });
});
