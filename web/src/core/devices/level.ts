/** How often a level is read, in ms: a moving bar needs no more. */
const EVERY = 50;
/** Speech at arm's length fills most of the bar at this gain. */
const GAIN = 6;
/** After one of these the browser lets audio run. */
const GESTURES = ['pointerdown', 'keydown'] as const;

/**
 * Reads how loud a track is (0 to 1), without going through any component, until the returned
 * function is called. Silent where the browser lets no audio run before a click.
 */
export function watchLevel(track: MediaStreamTrack, heard: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    heard(loudness(samples));
  }, EVERY);
  // A page that was reloaded without a click may have to wait for one.
  const resume = () => void context.resume().catch(() => undefined);
  for (const event of GESTURES) addEventListener(event, resume);
  return () => {
    for (const event of GESTURES) removeEventListener(event, resume);
    clearInterval(timer);
    heard(0);
    void context.close().catch(() => undefined);
  };
}

/** Root mean square, scaled to what a person calls loud. */
export function loudness(samples: Float32Array): number {
  const sum = samples.reduce((total, sample) => total + sample * sample, 0);
  return Math.min(1, Math.sqrt(sum / Math.max(1, samples.length)) * GAIN);
}
