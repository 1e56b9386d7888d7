/** A straight line through samples, by least squares. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  readonly perUnit: number;
  /** Standard error of `perUnit`: what the noise of the samples makes of it. */
  readonly error: number;
}

/** NaN when there are fewer than three points. */
export function slopeOf(points: readonly Point[]): Slope {
  const count = points.length;
  if (count < 3) return { perUnit: NaN, error: NaN };
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const perUnit = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - perUnit * (x - meanX)) ** 2, 0);
  return { perUnit, error: Math.sqrt(rest / (count - 2) / spread) };
}
