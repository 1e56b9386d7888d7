/** For the gateway's own log, where too much is better than too little, and for what a provider said. */
import { createRedactor, type Redactor } from './redact.ts';

let ofLog: Redactor<string> | undefined;
let ofProvider: Redactor<string> | undefined;

/** `text` without secrets of any rule, and without what only looks like one: long names of models and ids among it. */
export function redactForLog(text: string): string {
  ofLog ??= createRedactor({ wide: true });
  return ofLog.push(text) + ofLog.end();
}

/** `text` without secrets of any rule, also those that are told by what stands around them. It says nothing of what they were. */
export function redactProviderText(text: string): string {
  ofProvider ??= createRedactor({ mark: () => '[redacted]' });
  return ofProvider.push(text) + ofProvider.end();
}
