/** The JSON shapes of presets. */
import { z } from 'zod';
import { boundsChangeSchema } from '../access/bounds.ts';
import { presetFields } from '../guard/presets.ts';

const name = z.string().min(1).max(63);

export const preset = z.object({ name, builtIn: z.boolean(), ...presetFields });
export type PresetShape = z.infer<typeof preset>;

/** A preset that is like `base`, but for what is named. */
export const presetRequest = z.strictObject({
  name,
  base: name,
  replace: z.boolean().optional(),
  ...z.strictObject(presetFields).partial().shape,
  bounds: boundsChangeSchema.optional(),
});
