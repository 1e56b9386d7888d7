/**
 * The order in which waiting calls go. Between teams it is weighted-fair by turns: a turn costs a team one part in its weight, and who has
 * had the least goes next, however many calls others have waiting. So a single call waits for one turn of every other team of its weight
 * at most. Within a team calls go in the order they came; those that limits of their own hold up let the others by. Nobody saves turns up:
 * neither by being idle nor by being held up. No clock and no timer: who serves says what may go.
 */

export interface Waiter {
  readonly team: string;
  readonly token: string;
  /** The limits that it waits for: of its token, its team, and the key that pays. */
  readonly subjects: readonly string[];
}

/** What became of a waiter that was asked to go. */
export type Attempt =
  /** It had its turn. */
  | { readonly kind: 'served' }
  /** It left without one. */
  | { readonly kind: 'gone' }
  /** This limit holds it up, and so everybody behind it that the limit is for. */
  | { readonly kind: 'stopped'; readonly by: string };

/** Waiters with the same limits, oldest first. */
interface Lane<W> {
  readonly team: Team;
  readonly subjects: readonly string[];
  readonly waiters: Place<W>[];
}

interface Team {
  weight: number;
  waiting: number;
  /** Turns that it had, each one part in its weight. */
  had: number;
}

interface Place<W> {
  readonly waiter: W;
  readonly lane: Lane<W>;
  readonly arrival: number;
}

export class FairQueue<W extends Waiter> {
  readonly #teams = new Map<string, Team>();
  readonly #lanes = new Map<string, Lane<W>>();
  readonly #places = new Map<W, Place<W>>();
  /** How many wait for a limit, and how many a token has waiting. */
  readonly #subjects = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  #arrival = 0;
  /** What the team had that went last, before it went: nobody is behind that. */
  #now = 0;

  get size(): number {
    return this.#places.size;
  }

  waitingOfTeam(team: string): number {
    return this.#teams.get(team)?.waiting ?? 0;
  }

  waitingOfToken(token: string): number {
    return this.#tokens.get(token) ?? 0;
  }

  /** True when somebody waits for one of these limits. */
  anyoneFor(subjects: readonly string[]): boolean {
    return this.size > 0 && subjects.some((subject) => this.#subjects.has(subject));
  }

  /** All waiters, oldest first. */
  waiters(): Iterable<W> {
    return this.#places.keys();
  }

  /** Puts a waiter at its team's end. `weight` is the team's, from now on. */
  add(waiter: W, weight: number): void {
    const team = this.#teams.get(waiter.team) ?? { weight, waiting: 0, had: this.#now };
    this.#teams.set(waiter.team, team);
    team.weight = weight;
    team.waiting += 1;
    const name = `${waiter.team}\n${waiter.token}\n${waiter.subjects.join('\n')}`;
    const lane = this.#lanes.get(name) ?? { team, subjects: waiter.subjects, waiters: [] };
    this.#lanes.set(name, lane);
    const place = { waiter, lane, arrival: (this.#arrival += 1) };
    lane.waiters.push(place);
    this.#places.set(waiter, place);
    for (const subject of waiter.subjects) change(this.#subjects, subject, 1);
    change(this.#tokens, waiter.token, 1);
  }

  /** False when it does not wait (any more). */
  remove(waiter: W): boolean {
    const place = this.#places.get(waiter);
    if (!place) return false;
    this.#places.delete(waiter);
    const { lane } = place;
    lane.waiters.splice(lane.waiters.indexOf(place), 1);
    lane.team.waiting -= 1;
    for (const subject of waiter.subjects) change(this.#subjects, subject, -1);
    change(this.#tokens, waiter.token, -1);
    return true;
  }

  /** The newest waiter of the team that has the most waiting, if those are more than `than`. */
  newestOfLargest(than: number): W | undefined {
    let largest: Team | undefined;
    for (const team of this.#teams.values())
      if (team.waiting > Math.max(than, largest?.waiting ?? 0)) largest = team;
    let newest: W | undefined;
    for (const { waiter, lane } of this.#places.values()) if (lane.team === largest) newest = waiter;
    return newest;
  }

  /** Asks waiters to go, in fair order, until every one that is left is held up. */
  serve(attempt: (waiter: W) => Attempt): void {
    let candidates = [...this.#lanes.values()].filter(({ waiters }) => waiters.length > 0);
    for (let lane = this.#next(candidates); lane; lane = this.#next(candidates)) {
      const { waiter } = lane.waiters[0] as Place<W>;
      const outcome = attempt(waiter);
      if (outcome.kind === 'stopped') {
        const held = lane;
        candidates = candidates.filter((one) => one !== held && !one.subjects.includes(outcome.by));
        continue;
      }
      this.remove(waiter);
      if (outcome.kind === 'served') this.#count(lane.team);
      candidates = candidates.filter(({ waiters }) => waiters.length > 0);
    }
    this.#forget();
  }

  #next(lanes: readonly Lane<W>[]): Lane<W> | undefined {
    let best: Lane<W> | undefined;
    for (const lane of lanes) if (!best || this.#before(lane, best)) best = lane;
    return best;
  }

  #before(a: Lane<W>, b: Lane<W>): boolean {
    const first = Math.max(a.team.had, this.#now);
    const second = Math.max(b.team.had, this.#now);
    if (first !== second) return first < second;
    return (a.waiters[0]?.arrival ?? 0) < (b.waiters[0]?.arrival ?? 0);
  }

  #count(team: Team): void {
    this.#now = Math.max(team.had, this.#now);
    team.had = this.#now + 1 / team.weight;
  }

  /** Empty lanes, and teams without a claim of any kind. */
  #forget(): void {
    for (const [name, { waiters }] of this.#lanes) if (waiters.length === 0) this.#lanes.delete(name);
    for (const [name, team] of this.#teams)
      if (team.waiting === 0 && team.had <= this.#now) this.#teams.delete(name);
  }
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
