/** The provider that every target calls: the built-in fake in a process of its own, set by its control. */
import type { KnobPatch } from '../src/fake/knobs.ts';
import { BUN, type Child, Lines, start, stop } from './process.ts';
import { MAIN } from './peers/sallyport.ts';

export class Upstream implements AsyncDisposable {
  readonly url: string;
  readonly #child: Child;

  private constructor(url: string, child: Child) {
    this.url = url;
    this.#child = child;
  }

  static async start(): Promise<Upstream> {
    const child = start([...BUN, MAIN, 'fake', '--json']);
    const ready = (await new Lines(child).next()) as { url: string };
    return new Upstream(ready.url, child);
  }

  /** Back to the fake's own settings, and then these. */
  async set(knobs: KnobPatch): Promise<void> {
    await this.#post('reset', {});
    await this.#post('knobs', knobs);
  }

  async #post(control: string, body: object): Promise<void> {
    const reply = await fetch(`${this.url}/__fake/${control}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw new Error(`The fake refused ${control}: ${await reply.text()}`);
    await reply.arrayBuffer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child);
  }
}
