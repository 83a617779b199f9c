// Picture and tone for node_driver.mjs.

import {
  AudioFrame,
  AudioSource,
  AudioStream,
  LocalAudioTrack,
  LocalVideoTrack,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import { decode, i420Reader, paint, rgbaReader, toneIn, toneOf } from '../lib/pattern.mjs';

const [WIDTH, HEIGHT, FPS] = [640, 360, 15];
const RATE = 48_000;
// Ten reports a second show a gap of 0.2 s and cost little.
const REPORT_INTERVAL_MS = 100;

function reader(stream, onValue) {
  const reading = stream.getReader();
  (async () => {
    for (;;) {
      const { done, value } = await reading.read();
      if (done) return;
      onValue(value);
    }
  })().catch(() => {});
  return { cancel: () => reading.cancel().catch(() => {}) };
}

/** Reports person, number, frames and size of a remote video track. */
export function readVideo(track, report) {
  let [last, frames] = [0, 0];
  return reader(new VideoStream(track), ({ frame }) => {
    frames += 1;
    if (performance.now() - last < REPORT_INTERVAL_MS) return;
    last = performance.now();
    const { width, height } = frame;
    const read = frame.type === VideoBufferType.I420
      ? i420Reader(frame.data, width, height)
      : rgbaReader(frame.convert(VideoBufferType.RGBA).data, width, height);
    const { person, number } = decode(read) ?? { person: null, number: null };
    report({ person, number, frames, width, height });
  });
}

/** Reports tone and level of a remote audio track. */
export function readAudio(track, report) {
  let pending = [];
  return reader(new AudioStream(track, RATE, 1), (frame) => {
    for (const sample of frame.data) pending.push(sample / 32768);
    if (pending.length < (RATE * REPORT_INTERVAL_MS) / 1000) return;
    report(toneIn(pending, RATE));
    pending = [];
  });
}

/** A local track and the loop that feeds it. */
export class Published {
  constructor(kind, person) {
    this.person = person;
    this.number = 0;
    this.running = false;
    if (kind === 'video') {
      this.source = new VideoSource(WIDTH, HEIGHT);
      this.track = LocalVideoTrack.createVideoTrack('picture', this.source);
      this.feed = () => this.feedVideo();
    } else {
      this.source = new AudioSource(RATE, 1, 100);
      this.track = LocalAudioTrack.createAudioTrack('tone', this.source);
      this.feed = () => this.feedAudio();
    }
  }

  start() {
    this.running = true;
    this.feed().catch((error) => this.running && console.error(error));
  }

  stop() {
    this.running = false;
  }

  async feedVideo() {
    const start = performance.now();
    for (let number = 0; this.running; number += 1) {
      const pixels = paint(WIDTH, HEIGHT, this.person, number);
      this.source.captureFrame(new VideoFrame(pixels, WIDTH, HEIGHT, VideoBufferType.RGBA));
      const due = start + ((number + 1) * 1000) / FPS;
      await new Promise((resolve) => { setTimeout(resolve, Math.max(0, due - performance.now())); });
    }
  }

  async feedAudio() {
    const count = RATE / 50;
    const tone = toneOf(this.person);
    for (let at = 0; this.running; at += count) {
      const samples = Int16Array.from({ length: count }, (_, sample) =>
        10_000 * Math.sin((2 * Math.PI * tone * ((at + sample) % RATE)) / RATE));
      await this.source.captureFrame(new AudioFrame(samples, RATE, 1, count));
    }
  }
}
