/** The text format that Prometheus reads, version 0.0.4: one family after the other, each with its HELP and TYPE line once. */
import type { Histogram } from '../core/histogram.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type FamilyType = 'counter' | 'gauge' | 'histogram';

export class Exposition {
  #text = '';
  #family = '';

  /** Begins a family; what follows belongs to it. */
  family(name: string, type: FamilyType, help: string): this {
    this.#family = name;
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    return this;
  }

  /** `labels` are rendered already, without braces; a text is a number that a float would round. */
  sample(value: number | string, labels = ''): this {
    this.#text += labels === '' ? `${this.#family} ${value}\n` : `${this.#family}{${labels}} ${value}\n`;
    return this;
  }

  histogram({ bounds, counts, sum, count }: Histogram, labels = ''): this {
    const name = this.#family;
    const before = labels === '' ? '' : `${labels},`;
    const braces = labels === '' ? '' : `{${labels}}`;
    let below = 0;
    for (const [index, bound] of bounds.entries()) {
      below += counts[index] ?? 0;
      this.#text += `${name}_bucket{${before}le="${bound}"} ${below}\n`;
    }
    this.#text += `${name}_bucket{${before}le="+Inf"} ${count}\n${name}_sum${braces} ${sum}\n${name}_count${braces} ${count}\n`;
    return this;
  }

  toString(): string {
    return this.#text;
  }
}
