/** Fields that several sections have, as people write them. Descriptions are what editors show. */
import { z } from 'zod';
import { SallyportError } from '../core/errors.ts';
import { formatUsd, parseUsd } from '../core/money.ts';
import { NAME_SHAPE } from '../core/names.ts';
import { checkLimit } from '../ledger/budgets.ts';
import { checkZone, isZone, UTC } from '../ledger/zone.ts';

export const nameField = z
  .string()
  .regex(
    NAME_SHAPE,
    'a name has 1 to 63 letters, digits, dots, hyphens or underscores, and begins with a letter or digit',
  );

/** The amount of a budget. Numbers are read as they are written, so `0.10` is exactly ten cents; the reader hands them on as text. */
export const usdField = z.string().superRefine((text, context) => {
  try {
    checkLimit(parseUsd(text));
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    context.addIssue({ code: 'custom', message: error.message.replace(/\.$/, '') });
  }
});

/** In the one spelling that amounts are compared in. */
export function amount(text: string): string {
  return formatUsd(parseUsd(text));
}

export function amountPicoUsd(text: string): string {
  return parseUsd(text).toString();
}

export const zoneField = z
  .string()
  .refine(
    isZone,
    'a time zone is a name of the IANA database, such as UTC, Europe/Berlin or America/New_York',
  )
  .default(UTC);

/** In the spelling that the gateway keeps. */
export const zone = checkZone;
