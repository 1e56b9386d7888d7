/** `key mark-exposed`, `key clear-exposed`: what people know of a key's value that no scan has found, or has taken for what it is not. */
import { SallyportError } from '../core/errors.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { type Command, defineCommand, EXIT, type OptionSpecs } from './command.ts';
import { note, orDash, printFields, printJson } from './output.ts';

const OPTIONS = {
  version: { type: 'string', value: 'N', help: 'which version (default: the one in use)' },
  reason: { type: 'string', value: 'TEXT', help: 'why; goes on record' },
  ...SERVER_OPTIONS,
} as const satisfies OptionSpecs;

export const keyMarkExposed = exposureCommand(
  'mark-exposed',
  true,
  'Say that the value of a key is known outside: an alert, and a mark until it is replaced.',
  ['No call is stopped by it. To stop them: sallyport key disable NAME'],
);
export const keyClearExposed = exposureCommand(
  'clear-exposed',
  false,
  'Take back that the value of a key is known outside.',
  ['Who marked it, and who took that back, stays on record: sallyport key show NAME'],
);

function exposureCommand(verb: string, exposed: boolean, summary: string, notes: readonly string[]): Command {
  return defineCommand({
    name: `key ${verb}`,
    summary,
    args: ['NAME'],
    options: OPTIONS,
    examples: [`sallyport key ${verb} groq --reason 'seen in a screen recording'`],
    notes,
    run: async ({ values, args: [name = ''], io }) => {
      const { version, reason } = values;
      if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
        throw new SallyportError('input.invalid', '--version is not the number of a version', {
          fix: `see them: sallyport key show ${name}`,
        });
      }
      const state = await AdminClient.open(values, io).call('key.exposure', {
        params: { name },
        body: { exposed, version: version === undefined ? undefined : Number(version), reason },
      });
      if (values.json) printJson(io, state);
      else {
        printFields(io, [
          ['key', state.name],
          ['version', `${state.version} (${state.state})`],
          ['exposed', orDash(exposed ? (state.exposed?.at ?? null) : null)],
        ]);
        if (!state.changed)
          note(io, exposed ? 'it was marked before; nothing was changed' : 'it was not marked');
      }
      return EXIT.ok;
    },
  });
}
