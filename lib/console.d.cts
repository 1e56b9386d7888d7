// Made from src/redact by `npm run lib`; changes here are lost.
import type { RedactOptions } from './redact.cjs';

/**
 * From now on nothing that is printed by `target` (the global console) holds a secret. Returns what puts its methods back; when somebody has
 * replaced them meanwhile, theirs stay, and ours only pass on.
 */
export declare function wrapConsole(target?: object, options?: RedactOptions): () => void;
