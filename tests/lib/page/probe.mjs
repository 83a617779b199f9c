// Stands in for a person at the web app: their camera, microphone and screen,
// and eyes and ears for its tiles and its sound. It is put before the page's
// own scripts, see ../app.mjs; `window.probePerson` is the person.

import { personOfTone } from './pattern.mjs';
import { readAudio, readVideo } from './reader.mjs';
import { audioSource, videoSource } from './source.mjs';

/** The screen of a person shows, and sounds like, the person with this offset. */
const SCREEN = 3;
/** How often new elements are looked for, in ms. */
const SCAN_EVERY = 100;
/** A report older than this says nothing about now, in ms. */
const FRESH = 400;
/** Reports kept; ten a second of each element, so this is minutes. */
const MAX_REPORTS = 20_000;

const DEVICES = [
  { kind: 'videoinput', deviceId: 'camera', groupId: 'probe', label: 'Camera' },
  { kind: 'audioinput', deviceId: 'microphone', groupId: 'probe', label: 'Microphone' },
];

function streamOf(person, { video, audio }) {
  const sources = [];
  if (video) sources.push(videoSource({ person }));
  if (audio) sources.push(audioSource({ person }));
  return new MediaStream(sources.map(({ track }) => track));
}

function replaceDevices(person) {
  const { mediaDevices, permissions } = navigator;
  mediaDevices.getUserMedia = async (wanted) => streamOf(person, wanted);
  mediaDevices.getDisplayMedia = async (wanted) => streamOf(person + SCREEN, wanted);
  mediaDevices.enumerateDevices = async () => DEVICES.map((device) => ({ ...device, toJSON: () => device }));
  const query = permissions.query.bind(permissions);
  permissions.query = async (wanted) =>
    (['camera', 'microphone'].includes(wanted.name) ? { state: 'granted', onchange: null } : query(wanted));
}

const sockets = new Set();

function watchSockets() {
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.add(this);
      this.addEventListener('close', () => sockets.delete(this));
    }
  };
}

const seen = [];
const heard = [];
const readers = new Map();

function keep(reports, report) {
  if (reports.length >= MAX_REPORTS) reports.splice(0, MAX_REPORTS / 2);
  reports.push({ ...report, at: performance.now() });
}

const nameOf = (tile) => tile.querySelector('[data-testid=tile-name] .name')?.textContent.trim() ?? '';

function scan() {
  for (const video of document.querySelectorAll('[data-testid=tile] video')) {
    if (readers.has(video)) continue;
    readers.set(video, readVideo(video, ({ person, number }) => {
      const tile = video.closest('[data-testid=tile]');
      if (tile) keep(seen, { name: nameOf(tile), source: tile.dataset.source, person, number });
    }));
  }
  for (const element of document.querySelectorAll('audio')) {
    const track = element.srcObject?.getAudioTracks()[0];
    if (!track || readers.has(element)) continue;
    readers.set(element, readAudio(track, ({ hz }) => keep(heard, { person: hz ? personOfTone(hz) : null })));
  }
  for (const [element, reader] of readers) {
    if (element.isConnected) continue;
    reader.stop();
    readers.delete(element);
  }
}

let mostTiles = 0;

function tiles() {
  return [...document.querySelectorAll('[data-testid=tile]')].map((tile) => ({
    identity: tile.dataset.identity,
    source: tile.dataset.source,
    name: nameOf(tile),
    picture: tile.querySelector('video') !== null,
    text: tile.textContent,
  }));
}

function longestGap(reports, since) {
  let [gap, last] = [0, since];
  for (const { at } of [...reports, { at: performance.now() }]) {
    gap = Math.max(gap, at - last);
    last = at;
  }
  return gap;
}

const picturesOf = (name, source, since) => seen.filter((report) =>
  report.name === name && report.source === source && report.at >= since && report.number !== null);

window.probe = {
  now: () => performance.now(),
  tiles,
  /** Whether the named tile shows its person moving: four pictures with rising numbers. */
  sees: ({ name, person, source = 'camera', since }) => {
    const reports = picturesOf(name, source, since);
    const wrong = reports.find((report) => report.person !== person);
    if (wrong) throw new Error(`the tile of ${name} shows person ${wrong.person} instead of ${person}`);
    const numbers = reports.map(({ number }) => number).slice(-4);
    return numbers.length === 4 && numbers.every((number, at) => at === 0 || number > numbers[at - 1]);
  },
  /** Whether the person's tone was heard three times since. */
  hears: ({ person, since }) => heard.filter((report) => report.person === person && report.at >= since).length >= 3,
  /** Whether the person's tone is not heard now. */
  silent: ({ person }) => !heard.some((report) => report.person === person && report.at >= performance.now() - FRESH),
  /** The longest time without picture and without sound of a person, in ms. */
  gaps: ({ name, person, since }) => ({
    picture: longestGap(picturesOf(name, 'camera', since), since),
    sound: longestGap(heard.filter((report) => report.person === person && report.at >= since), since),
  }),
  /** The most tiles there ever were at once since `watchTiles`. */
  watchTiles: () => { mostTiles = 0; },
  mostTiles: () => mostTiles,
  dropSocket: () => sockets.forEach((socket) => socket.close()),
};

watchSockets();
replaceDevices(window.probePerson);
setInterval(scan, SCAN_EVERY);
new MutationObserver(() => { mostTiles = Math.max(mostTiles, tiles().length); })
  .observe(document, { childList: true, subtree: true });
