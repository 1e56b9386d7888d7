/** Whose a budget or a provider key is, from their records. A record that cannot be read is nobody's: its part refuses it elsewhere. */
import type { RecordBook } from '../records/records.ts';
import type { Owners } from './alert.ts';

export function ownersIn(book: Pick<RecordBook, 'get'>): Owners {
  const field = (kind: Parameters<RecordBook['get']>[0], id: string, name: string): string | null => {
    const body = book.get(kind, id)?.body as Readonly<Record<string, unknown>> | undefined;
    const value = body?.[name];
    return typeof value === 'string' ? value : null;
  };
  const teamOf = (subject: string | null): string | null => {
    const [kind, id = ''] = subject?.split(':') ?? [];
    switch (kind) {
      case 'team':
        return id;
      case 'env':
        return id.split('/')[0] ?? null;
      case 'project':
        return field('project', id, 'team');
      case 'token':
        return field('token', id, 'team');
      default:
        return null;
    }
  };
  return {
    budget: (id) => {
      const subject = field('budget', id, 'subject');
      return { subject, team: teamOf(subject) };
    },
    keyTeam: (slot) => field('provider_key', slot, 'team'),
  };
}
