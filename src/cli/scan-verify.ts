/** `scan --verify`: asks each provider whether it takes the values that were found. Only when somebody asks for it, and never in a hook. */
import { SallyportError } from '../core/errors.ts';
import { keepUntilEnd } from '../scan/keep-until-end.ts';
import type { StageMaker } from '../scan/sink.ts';
import { verifyValues, type VerifyOptions } from '../scan/verify.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';

/** What git, and what runs hooks for it, set for the programs that they start. */
const HOOK_VARIABLES = ['GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_EXEC_PATH', 'PRE_COMMIT'];

/** Throws `input.invalid` where a hook may be what runs it: a commit must not wait for a network, and a push must not send keys around. */
export function refuseInHook(staged: boolean, { env }: Pick<Io, 'env'>): void {
  const hook = HOOK_VARIABLES.find((name) => env[name] !== undefined);
  if (!staged && hook === undefined) return;
  throw new SallyportError(
    'input.invalid',
    staged
      ? '--verify asks providers over the network; --staged is for hooks'
      : `--verify asks providers over the network, and a hook seems to run this (${hook ?? ''} is set)`,
    { fix: 'leave --verify out here; run it by hand, on paths or the history' },
  );
}

export function verifyStage(options: Partial<VerifyOptions> = {}): StageMaker {
  const userAgent = `sallyport/${VERSION} (leak check; one request a key)`;
  return keepUntilEnd(async (findings) => {
    const results = await verifyValues(findings, { userAgent, ...options });
    return new Map([...results].map(([fingerprint, verified]) => [fingerprint, { verified }]));
  });
}
