/**
 * The remote control under `/__fake`: bill, calls, knobs, reset. Needs no key and never shows one.
 */
import { KnobError } from './knobs.ts';
import type { World } from './world.ts';

/** Answers a control call. `GET /__fake/calls?after=<seq>` lists only later calls. */
export async function answerControl(req: Request, path: string, world: World): Promise<Response> {
  switch (`${req.method} ${path}`) {
    case 'GET /__fake/bill':
      return Response.json(world.bill.report());
    case 'GET /__fake/calls':
      return Response.json(world.log.list(afterOf(req.url)));
    case 'GET /__fake/knobs':
      return Response.json(world.knobs);
    case 'POST /__fake/knobs':
      return await postKnobs(req, world);
    case 'POST /__fake/release':
      world.release();
      return Response.json({ released: true });
    case 'POST /__fake/reset':
      world.reset();
      return Response.json({ reset: true });
    default:
      return problem(404, 'no such control; try bill, calls, knobs, release or reset');
  }
}

async function postKnobs(req: Request, world: World): Promise<Response> {
  try {
    return Response.json(world.setKnobs(await req.json()));
  } catch (error) {
    if (error instanceof KnobError) return problem(400, error.message);
    if (error instanceof SyntaxError) return problem(400, 'knobs must be a JSON object');
    throw error;
  }
}

function afterOf(url: string): number {
  const match = /[?&]after=(\d+)/.exec(url);
  return match === null ? 0 : Number(match[1]);
}

function problem(status: number, message: string): Response {
  return Response.json({ error: { message } }, { status });
}
