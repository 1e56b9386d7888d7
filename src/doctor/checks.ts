/** The checks, in the order of the report. */
import type { Check } from './check.ts';
import { keysInEnv } from './keys-in-env.ts';
import { exposedKeys, keyAge, separateKeys, separateOrganizations, spendLimit } from './keys.ts';
import { alertsReachable, auditVerified, budgetsSet, guardPreset, recoveryKit } from './operation.ts';
import { hookWorks, ignorePatterns, keysInCode } from './repository.ts';

export const CHECKS: readonly Check[] = [
  keysInEnv,
  keysInCode,
  ignorePatterns,
  hookWorks,
  auditVerified,
  separateKeys,
  separateOrganizations,
  exposedKeys,
  keyAge,
  spendLimit,
  budgetsSet,
  guardPreset,
  alertsReachable,
  recoveryKit,
];
