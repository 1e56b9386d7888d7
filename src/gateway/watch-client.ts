/** A client that hangs up before its answer began. From then on the stream itself learns of it, and knows what was delivered. */
import { SallyportError } from '../core/errors.ts';
import type { OpenCall, Outcome } from './open-call.ts';

/** Ends the call as `outcome` when its client leaves, until the returned function is called. Call it before anything is sent. */
export function watchClient(request: Request, call: OpenCall, outcome: Outcome): () => void {
  const leave = (known: Outcome): void => {
    call.end(known, 'client.aborted');
    call.abort.abort(new SallyportError('request.invalid', 'The client closed the connection.'));
  };
  if (request.signal.aborted) leave({ kind: 'free' });
  const left = (): void => (call.onLeave ? call.onLeave() : leave(outcome));
  request.signal.addEventListener('abort', left, { once: true });
  return () => request.signal.removeEventListener('abort', left);
}
