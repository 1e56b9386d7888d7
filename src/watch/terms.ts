/** The closed lists that contract, CLI and records share. Imports nothing, so that a command that only asks a server starts fast. */

export const ALERT_TYPES = [
  'budget.alert',
  'budget.exhausted',
  'budget.paused',
  'budget.overrun',
  'key.rejected',
  'key.age',
  'auth.burst',
  'clock.jumped',
  'clock.resumed',
  'disk.low',
  'disk.recovered',
  'key.exposed',
  'token.exposed',
] as const;

export const DESTINATION_TYPES = ['slack', 'webhook', 'email'] as const;

/** How mail is encrypted: from an upgrade on, which is required; from the first byte on; not at all. */
export const MAIL_TLS = ['starttls', 'implicit', 'none'] as const;

export const OUTBOX_STATES = ['pending', 'delivered', 'dead'] as const;
