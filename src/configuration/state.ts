/** What there is, read over the admin contract: everything from one and the same revision of the configuration. */
import type { CallInput, RouteName, RouteReply } from '../admin/contract.ts';
import { SallyportError } from '../core/errors.ts';
import type { Contract, Items, SectionKey } from './section.ts';
import { SECTIONS } from './sections.ts';

/** The admin contract with the revisions of its answers. */
export interface RevisedContract {
  callAt<N extends RouteName>(
    name: N,
    input?: CallInput<N>,
    expected?: string,
  ): Promise<{ readonly reply: RouteReply<N>; readonly revision: string }>;
}

export interface State {
  readonly revision: string;
  readonly sections: ReadonlyMap<SectionKey, Items>;
}

const TRIES = 5;

/** Throws `conflict` when the configuration changes faster than it can be read, or what the contract refuses with. */
export async function readState(contract: RevisedContract, keys: ReadonlySet<SectionKey>): Promise<State> {
  for (let left = TRIES; left > 0; left -= 1) {
    const revisions = new Set<string>();
    const noting: Contract = {
      call: async (name, input) => {
        const { reply, revision } = await contract.callAt(name, input);
        revisions.add(revision);
        return reply;
      },
    };
    const sections = new Map<SectionKey, Items>();
    for (const section of SECTIONS) {
      if (keys.has(section.key)) sections.set(section.key, byId(await section.read(noting)));
    }
    const [revision = '', ...others] = revisions;
    if (others.length === 0) return { revision, sections };
  }
  throw new SallyportError('conflict', 'The configuration keeps changing while it is read.', {
    fix: 'Wait until whoever changes it is done, then run this again.',
  });
}

/** By code unit, not by age or locale: the same things are written and listed alike everywhere. */
function byId(items: Items): Items {
  return new Map([...items].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
}
