/** All rules of the scanner, as one table. */
import { isSallyportToken, withChecksum } from './checksum.ts';
import { exactly, type Rule } from './rule.ts';
import { CLOUD_RULES } from './rules-cloud.ts';
import { CONTEXT_RULES } from './rules-context.ts';
import { LLM_RULES } from './rules-llm.ts';
import { LLM_TOOL_RULES } from './rules-llm-tools.ts';
import { sample } from './samples.ts';

const OWN_RULES: readonly Rule[] = [
  {
    id: 'sallyport-token',
    provider: 'Sallyport',
    what: 'access token',
    severity: 'high',
    revoke: 'sallyport token revoke ID (the id is the 12 characters after the type letter)',
    shape: {
      by: 'prefix',
      prefixes: ['sallyp_'],
      alphabet: 'key',
      lengths: exactly(52),
      proof: isSallyportToken,
    },
    positive: () => [withChecksum(`sallyp_s${sample('alnum', 12)}_${sample('alnum', 32)}`)],
    negative: () => [`sallyp_s${sample('alnum', 12)}_${sample('alnum', 38)}`],
  },
  {
    id: 'sallyport-root-key',
    provider: 'Sallyport',
    what: 'root key',
    severity: 'critical',
    revoke: 'treat every key in the vault as known: rotate them, and start a new instance',
    shape: { by: 'prefix', prefixes: ['sallyport-root-key-1:'], alphabet: 'key', lengths: exactly(43) },
  },
];

export const RULES: readonly Rule[] = [
  ...OWN_RULES,
  ...LLM_RULES,
  ...LLM_TOOL_RULES,
  ...CLOUD_RULES,
  ...CONTEXT_RULES,
];
