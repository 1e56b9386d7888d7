/**
 * How far a long scan is, as one line on the terminal that is written over again and again, and gone at the end. Where nobody watches, or a
 * scan is quick, nothing is written.
 */

export interface Progress {
  /** Begins a part of the scan: how many there will be, and of what (`objects`). 0 when nobody knows. */
  begin(total: number, unit: string): void;
  /** So many are done in all. Cheap enough to be called for each file. */
  at(done: number): void;
  /** Takes the line away until the next step, so that something else can be printed. */
  hide(): void;
  end(): void;
}

export const NO_PROGRESS: Progress = {
  begin: () => undefined,
  at: () => undefined,
  hide: () => undefined,
  end: () => undefined,
};

export interface Terminal {
  readonly stderrIsTerminal: boolean;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Draws only on a terminal that can write over a line, and unless it is not wanted. */
export function progressOn({ stderrIsTerminal, err, env }: Terminal, wanted: boolean): Progress {
  if (!wanted || !stderrIsTerminal || env['TERM'] === 'dumb') return NO_PROGRESS;
  return new ProgressLine(err, () => performance.now());
}

/** Scans that end sooner show nothing. */
const FIRST_MS = 1000;
const BETWEEN_MS = 100;
const BAR = 16;
const WIDTH = 78;

/** No colour and no sequence of a terminal: a carriage return and blanks are enough. */
export class ProgressLine implements Progress {
  readonly #write: (text: string) => void;
  readonly #nowMs: () => number;
  readonly #startedAt: number;
  #partAt = 0;
  #drawnAt = -Infinity;
  #shown = false;
  #total = 0;
  #unit = '';

  constructor(write: (text: string) => void, nowMs: () => number) {
    this.#write = write;
    this.#nowMs = nowMs;
    this.#startedAt = nowMs();
  }

  begin(total: number, unit: string): void {
    this.#total = total;
    this.#unit = unit;
    this.#partAt = this.#nowMs();
    this.at(0);
  }

  at(done: number): void {
    const now = this.#nowMs();
    if (now - this.#startedAt < FIRST_MS || now - this.#drawnAt < BETWEEN_MS) return;
    this.#drawnAt = now;
    this.#shown = true;
    this.#write(`\r${this.#text(done, now - this.#partAt).padEnd(WIDTH)}`);
  }

  hide(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#write(`\r${' '.repeat(WIDTH)}\r`);
  }

  end(): void {
    this.hide();
  }

  #text(done: number, ms: number): string {
    const rate = ms > 0 ? (done / ms) * 1000 : 0;
    const speed = rate >= 1 ? `  ${grouped(rate)}/s` : '';
    if (this.#total <= 0) return ` ${grouped(done)} ${this.#unit}${speed}`;
    const share = Math.min(1, done / this.#total);
    const filled = Math.floor(share * BAR);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}]`;
    const left = rate > 0 ? `  ${duration((this.#total - done) / rate)} left` : '';
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    return `${percent} ${bar} ${grouped(done)} of ${grouped(this.#total)} ${this.#unit}${speed}${left}`.slice(
      0,
      WIDTH,
    );
  }
}

function grouped(count: number): string {
  return Math.floor(count).toLocaleString('en-US');
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`;
}
