/** Keys of clouds, code hosts and package registries, and private keys. */
import { exactly, type Rule } from './rule.ts';
import { sample } from './samples.ts';

export const CLOUD_RULES: readonly Rule[] = [
  {
    id: 'aws-access-key-id',
    provider: 'AWS',
    what: 'access key id',
    severity: 'high',
    revoke: 'https://console.aws.amazon.com/iam/home#/security_credentials',
    // AWS writes its documentation with ids that end in EXAMPLE.
    shape: {
      by: 'prefix',
      prefixes: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
      alphabet: 'base32',
      lengths: exactly(16),
      form: /^(?!.{9}EXAMPLE$)/,
    },
    negative: () => [['AKIA', 'IOSFODNN7EXAMPLE'].join(''), 'AKIA_IS_THE_PREFIX_OF_AN_ID'],
  },
  {
    id: 'aws-bedrock-api-key',
    provider: 'AWS Bedrock',
    what: 'API key',
    severity: 'critical',
    revoke: 'https://console.aws.amazon.com/bedrock/home#/api-keys',
    shape: { by: 'prefix', prefixes: ['ABSK'], alphabet: 'base64', lengths: [[109, 269]] },
  },
  {
    id: 'aws-bedrock-session-key',
    provider: 'AWS Bedrock',
    what: 'short-lived API key',
    severity: 'high',
    revoke: 'https://console.aws.amazon.com/bedrock/home#/api-keys',
    shape: {
      by: 'prefix',
      // Base64 of "bedrock.amazonaws.com".
      prefixes: ['bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t'],
      alphabet: 'base64',
      lengths: [[20, 4000]],
    },
  },
  {
    id: 'github-token',
    provider: 'GitHub',
    what: 'access token',
    severity: 'critical',
    revoke: 'https://github.com/settings/tokens',
    shape: {
      by: 'prefix',
      prefixes: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
      alphabet: 'alnum',
      lengths: [[36, 76]],
    },
  },
  {
    id: 'github-fine-grained-token',
    provider: 'GitHub',
    what: 'fine-grained access token',
    severity: 'critical',
    revoke: 'https://github.com/settings/personal-access-tokens',
    shape: {
      by: 'prefix',
      prefixes: ['github_pat_'],
      alphabet: 'key',
      lengths: exactly(82),
      form: /^[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/,
    },
    positive: () => [`github_pat_${sample('alnum', 22)}_${sample('alnum', 59)}`],
  },
  {
    id: 'gitlab-token',
    provider: 'GitLab',
    what: 'personal access token',
    severity: 'critical',
    revoke: 'https://gitlab.com/-/user_settings/personal_access_tokens',
    shape: { by: 'prefix', prefixes: ['glpat-'], alphabet: 'key', lengths: [[20, 50]] },
    negative: () => ['glpat-your-token-here-please'],
  },
  {
    id: 'slack-token',
    provider: 'Slack',
    what: 'token',
    severity: 'high',
    revoke: 'https://api.slack.com/apps',
    shape: {
      by: 'prefix',
      prefixes: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-'],
      alphabet: 'key',
      random: 'hex',
      lengths: [[36, 120]],
      form: /^(?:\d-)?\d{9,14}-/,
    },
    positive: () => [`xoxb-${sample('digit', 12)}-${sample('digit', 13, 1)}-${sample('alnum', 24)}`],
  },
  {
    id: 'npm-token',
    provider: 'npm',
    what: 'access token',
    severity: 'critical',
    revoke: 'https://www.npmjs.com/settings/~/tokens',
    shape: { by: 'prefix', prefixes: ['npm_'], alphabet: 'alnum', lengths: exactly(36) },
    negative: () => ['npm_config_registry_and_other_variables_of_npm'],
  },
  {
    id: 'private-key',
    provider: 'PEM',
    what: 'private key',
    severity: 'critical',
    revoke: 'replace the key pair wherever its public half is trusted',
    shape: { by: 'pem' },
  },
];
