/** `scan fix`: takes raw keys out of the files of a work tree. What it does is loaded when it is asked for. */
import { defineCommand, type OptionSpecs } from './command.ts';
import { GATE_OPTIONS } from './gate-options.ts';

export const FIX_OPTIONS = {
  team: {
    type: 'string',
    value: 'TEAM',
    help: 'whose calls the token makes (default: the only team there is)',
  },
  env: { type: 'string', value: 'ENV', help: 'its environment (default dev)' },
  preset: { type: 'string', value: 'NAME', help: 'what it may do (default: calls of the provider)' },
  expires: { type: 'string', value: 'TIME', help: 'how long it lives: 15m, 12h, 30d (default 90d)' },
  'budget-usd': { type: 'string', value: 'X', help: 'a budget of its own' },
  file: { type: 'string', value: 'FILE', help: 'where the token goes (default .env at the top)' },
  gateway: {
    type: 'string',
    value: 'URL',
    help: 'where programs reach the gateway (default: what the gateway states)',
  },
  seal: { type: 'boolean', help: 'seal the key that was found, where the gateway has none of its provider' },
  'dry-run': { type: 'boolean', help: 'show what would be changed, and change nothing' },
  yes: { type: 'boolean', help: 'do not ask' },
  json: { type: 'boolean', help: 'print JSON' },
  ...GATE_OPTIONS,
} as const satisfies OptionSpecs;

export const scanFix = defineCommand({
  name: 'scan fix',
  summary: 'Replace raw keys in files by an access token of the gateway, kept in .env.',
  args: ['[PATH...]'],
  options: FIX_OPTIONS,
  examples: [
    'sallyport scan fix --dry-run',
    'sallyport scan fix src --team chat --env dev',
    'sallyport scan fix --yes',
  ],
  notes: [
    'A literal becomes what the language has for a variable; the variable, with a new access token, goes into .env (mode 0600), which .gitignore has to name.',
    'Only whole literals are replaced. What cannot be mended safely stays as it is, and the reason is said: exit code 1.',
    'The keys stay known to whoever has seen them: revoke them all the same. The history of git is not changed.',
  ],
  run: async (invocation) => (await import('./scan-fix-run.ts')).runScanFix(invocation),
});
