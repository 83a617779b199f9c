// Sources of picture and tone in a page: a painted canvas and an oscillator.

import { rectanglesOf, toneOf } from './pattern.mjs';

let audioContext;

/** The page's one audio context. */
export function audio() {
  audioContext ??= new AudioContext({ sampleRate: 48_000 });
  if (audioContext.state === 'suspended') audioContext.resume();
  return audioContext;
}

function addNoise(context, width, height, number) {
  // Pictures nothing in common with their predecessor: an encoder takes whatever rate it may.
  const noise = context.createImageData(width, Math.floor(height / 2));
  const words = new Uint32Array(noise.data.buffer);
  let state = number * 2654435761 + 1;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state | 0xff000000;
  }
  context.putImageData(noise, 0, Math.ceil(height / 2));
}

/** Paints a person's moving picture on a canvas until `stop`. */
export function paintedCanvas({ person, width = 640, height = 360, fps = 15, noisy = false }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d', { alpha: false });
  let number = 0;
  const draw = () => {
    for (const [r, g, b, x, y, w, h] of rectanglesOf(person, number)) {
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      context.fillRect(x * width, y * height, w * width, h * height);
    }
    if (noisy) addNoise(context, width, height, number + 1);
    number += 1;
  };
  draw();
  const timer = setInterval(draw, 1000 / fps);
  return { canvas, stop: () => clearInterval(timer) };
}

/** Lets `stop` run when the track is stopped, by whomever. */
function onStop(track, stop) {
  const stopTrack = track.stop.bind(track);
  track.stop = () => {
    stop();
    stopTrack();
  };
  return { track, stop: () => track.stop() };
}

/** A video track of a person's moving picture; `{ track, stop }`. */
export function videoSource(options) {
  const { canvas, stop } = paintedCanvas(options);
  const [track] = canvas.captureStream(options.fps ?? 15).getVideoTracks();
  return onStop(track, stop);
}

/** An audio track of a person's tone; `{ track, stop }`. */
export function audioSource({ person }) {
  const context = audio();
  const oscillator = new OscillatorNode(context, { frequency: toneOf(person) });
  const gain = new GainNode(context, { gain: 0.3 });
  const destination = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  const [track] = destination.stream.getAudioTracks();
  return onStop(track, () => oscillator.disconnect());
}
