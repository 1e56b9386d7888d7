/** The command table, in the order of the help page. */
import {
  alertAdd,
  alertList,
  alertOutbox,
  alertRemove,
  alertRetry,
  alertRotateSecret,
  alertShow,
  alertTest,
} from './alert.ts';
import { auditQuery, auditTail, auditVerify } from './audit.ts';
import { backup, restore, upgrade } from './backup.ts';
import { budgetAdjust, budgetClockOk, budgetList, budgetResume, budgetSet, budgetShow } from './budget.ts';
import type { Command } from './command.ts';
import { apply, exportCommand, plan, schema } from './configuration.ts';
import { connect } from './connect.ts';
import { doctor } from './doctor.ts';
import { explain } from './explain.ts';
import { fake } from './fake.ts';
import { health } from './health.ts';
import { keyClearExposed, keyMarkExposed } from './key-exposure.ts';
import { keyAge, keyAttestSpendLimit, keyDescribe } from './key-hygiene.ts';
import { keyAdd, keyDisable, keyEnable, keyList, keyShow, keyVerify } from './key.ts';
import { LOCAL_COMMANDS } from './local-commands.ts';
import { limitList, limitSet, limitShow } from './limit.ts';
import { metrics } from './metrics.ts';
import { presetAdd, presetList, presetShow } from './preset.ts';
import { pricesShow } from './prices.ts';
import { recoveryDrill, recoveryKit, recoveryRestore } from './recovery.ts';
import { status, version } from './status.ts';
import { envAdd, envList, projectAdd, projectList, teamAdd, teamList, teamPolicy, teamShow } from './team.ts';
import { tokenDeploy } from './token-deploy.ts';
import {
  templateAdd,
  templateBind,
  templateBindings,
  templateList,
  templateRetire,
  templateShow,
  templateUnbind,
} from './template.ts';
import { tokenIssue } from './token-issue.ts';
import { tokenList, tokenRevoke, tokenShow } from './token.ts';
import { upCommand } from './up.ts';
import { usage } from './usage.ts';

export const COMMANDS: readonly Command[] = [
  upCommand,
  status,
  health,
  doctor,
  keyAdd,
  keyList,
  keyShow,
  keyVerify,
  keyEnable,
  keyDisable,
  keyDescribe,
  keyAge,
  keyAttestSpendLimit,
  keyMarkExposed,
  keyClearExposed,
  teamAdd,
  teamList,
  teamShow,
  teamPolicy,
  projectAdd,
  projectList,
  envAdd,
  envList,
  tokenIssue,
  tokenList,
  tokenShow,
  tokenRevoke,
  tokenDeploy,
  connect,
  presetList,
  presetShow,
  presetAdd,
  templateList,
  templateShow,
  templateAdd,
  templateRetire,
  templateBind,
  templateUnbind,
  templateBindings,
  limitSet,
  limitShow,
  limitList,
  budgetSet,
  budgetShow,
  budgetList,
  budgetResume,
  budgetAdjust,
  budgetClockOk,
  pricesShow,
  plan,
  apply,
  exportCommand,
  schema,
  explain,
  usage,
  metrics,
  auditQuery,
  auditTail,
  auditVerify,
  alertAdd,
  alertList,
  alertShow,
  alertTest,
  alertRotateSecret,
  alertRemove,
  alertOutbox,
  alertRetry,
  recoveryKit,
  recoveryDrill,
  recoveryRestore,
  backup,
  restore,
  upgrade,
  ...LOCAL_COMMANDS,
  fake,
  version,
];
