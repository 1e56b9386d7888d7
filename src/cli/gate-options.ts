/** How a command is told which server to ask. Apart from the client, which brings the whole contract with it. */
import type { OptionSpecs } from './command.ts';

export const GATE_OPTIONS = {
  data: { type: 'string', value: 'DIR', help: 'data folder (default $SALLYPORT_DATA, else ~/.sallyport)' },
  url: {
    type: 'string',
    value: 'URL',
    help: 'admin listener instead of the local socket; the token is in $SALLYPORT_ADMIN_TOKEN',
  },
  'admin-token-file': {
    type: 'string',
    value: 'FILE',
    help: 'file (mode 0600) with the admin token for --url',
  },
} as const satisfies OptionSpecs;
