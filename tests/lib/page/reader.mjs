// Reads what a page plays: the moving picture of a video element and the tone
// of an audio track.

import { decode, rgbaReader, toneIn } from './pattern.mjs';
import { audio } from './source.mjs';

// Ten reports a second show a gap of 0.2 s and cost little.
const REPORT_INTERVAL_MS = 100;
const [WIDTH, HEIGHT] = [160, 90];

/** Reports person, number, frames and size of what `video` shows, until `stop`. */
export function readVideo(video, report) {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
  let [running, last, frames] = [true, 0, 0];
  const onFrame = () => {
    if (!running) return;
    frames += 1;
    video.requestVideoFrameCallback(onFrame);
    if (performance.now() - last < REPORT_INTERVAL_MS) return;
    last = performance.now();
    context.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    const { person, number } = decode(rgbaReader(data, WIDTH, HEIGHT)) ?? { person: null, number: null };
    report({ person, number, frames, width: video.videoWidth, height: video.videoHeight });
  };
  video.requestVideoFrameCallback(onFrame);
  return { stop: () => { running = false; } };
}

/** Reports tone and level of an audio track, until `stop`. The track must also play in an element. */
export function readAudio(track, report) {
  const context = audio();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    report(toneIn(samples, context.sampleRate));
  }, REPORT_INTERVAL_MS);
  return { stop: () => { clearInterval(timer); source.disconnect(); } };
}
