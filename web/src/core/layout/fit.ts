/** More than this part of a face picture is not cut away. */
const CUT_MAX = 0.3;

/**
 * How a camera's picture fills its tile: covering it, unless too much of it would be cut away.
 * Aspects are width by height; 0 or NaN while one is not known.
 */
export function fitOf(picture: number, tile: number): 'cover' | 'contain' {
  if (!(picture > 0) || !(tile > 0)) return 'cover';
  const seen = Math.min(picture, tile) / Math.max(picture, tile);
  return 1 - seen > CUT_MAX ? 'contain' : 'cover';
}
