/** Plans and what became of them, as people and programs read them. */
import type { Outcome, Stop } from '../configuration/execute.ts';
import type { Change, FieldChange, Plan } from '../configuration/plan.ts';
import type { Problem } from '../configuration/problem.ts';
import { hideCredentials } from '../admin/credentials.ts';
import { plain } from '../core/plain.ts';

const MARKS = { add: '+', change: '~', disable: '-' } as const;

export function planText(plan: Plan): string {
  const blocks = plan.changes.map((change) => [changeTitle(change), ...fieldLines(change)].join('\n'));
  const unlisted = Map.groupBy(plan.unlisted, ({ noun }) => noun);
  const left = [...unlisted].map(
    ([noun, items]) => `not in the file, left alone: ${noun} ${items.map(({ id }) => plain(id)).join(', ')}`,
  );
  const toDo = plan.toDo.map((one) => `to do: ${plain(one)}`);
  const remarks = [...left, ...toDo];
  return `${[...blocks, ...(remarks.length > 0 ? [remarks.join('\n')] : []), summary(plan)].join('\n\n')}\n`;
}

export function changeTitle({ action, noun, id }: Change): string {
  return plain(`${MARKS[action]} ${noun} ${id}`);
}

function summary({ changes }: Plan): string {
  const counts = (['add', 'change', 'disable'] as const).map(
    (action) => [action, changes.filter((change) => change.action === action).length] as const,
  );
  const some = counts.filter(([, count]) => count > 0).map(([action, count]) => `${count} to ${action}`);
  return some.length === 0 ? 'nothing to change' : some.join(', ');
}

function fieldLines({ action, fields }: Change): string[] {
  const width = Math.max(0, ...fields.map(({ field }) => field.length));
  return fields.map((one) => {
    const from = action === 'add' ? '' : `${valueText(one.from)} -> `;
    const why = action === 'change' && one.leftOut ? '  (left out of the file: the default)' : '';
    return plain(`    ${one.field.padEnd(width)}  ${from}${valueText(one.to)}${why}`);
  });
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueText).join(', ');
  return typeof value === 'string' ? textOf(value) : JSON.stringify(value);
}

const MAX_TEXT = 60;

/** A text of many lines would hide the fields around it. */
function textOf(text: string): string {
  if (text.length <= MAX_TEXT && !text.includes('\n')) return text;
  return `${JSON.stringify(text.slice(0, MAX_TEXT))}… (${text.length} characters)`;
}

export function planJson({ revision, changes, unlisted, toDo }: Plan): object {
  return {
    revision,
    changes: changes.map((change) => changeJson(change)),
    notInFile: unlisted.map(({ section, id }) => ({ section, id })),
    toDo,
  };
}

function changeJson({ section, id, action, fields }: Change): object {
  return { section, id, action, fields: fields.map(fieldJson) };
}

function fieldJson({ field, from, to, leftOut }: FieldChange): object {
  return { field, from: from ?? null, to: to ?? null, leftOut };
}

/** Every change of the plan, with what became of it. */
export function outcomeJson(plan: Plan, { applied, stop }: Outcome): object {
  const resultOf = (change: Change): string => {
    if (applied.includes(change)) return 'applied';
    return stop?.change === change ? stop.extent : 'not tried';
  };
  return {
    ...planJson(plan),
    changes: plan.changes.map((change) => ({ ...changeJson(change), result: resultOf(change) })),
    error: stop && { code: stop.error.code, message: hideCredentials(stop.error.message) },
  };
}

const EXTENT = {
  refused: 'not applied',
  begun: 'applied in part',
  unknown: 'it is not known whether this was applied',
} as const;

/** What an interrupted run has not done; what it has done was said when it was. */
export function stopText({ applied, left }: Outcome, { change, extent }: Stop): string {
  const lines = [
    `${EXTENT[extent]}: ${changeTitle(change)}`,
    ...left.map((one) => `not applied: ${changeTitle(one)}`),
    `applied ${applied.length} of ${applied.length + 1 + left.length} changes`,
  ];
  return lines.map((line) => `sallyport: ${line}\n`).join('');
}

/** `FILE:LINE:COLUMN: what is wrong; what to do`. */
export function problemLine(file: string, { place, message, fix }: Problem): string {
  const text = fix === undefined ? message : `${message}; ${fix}`;
  return `${plain(hideCredentials(`${file}:${place.line}:${place.column}: ${text}`))}\n`;
}
