// The picture and the tone by which a receiver recognises a person. The picture
// carries the person's index and a rising frame number as black and white
// blocks, large enough to be read at 160x90 after any video codec; the rest of
// it has the person's colour and a moving bar. The module runs in Node and in
// pages; sdk/python_driver.py has the same rules in Python.

/** Colours of the persons (RGB), far from each other in chroma. */
export const COLOURS = [
  [200, 40, 40],
  [40, 170, 40],
  [50, 50, 220],
  [200, 200, 30],
  [200, 40, 200],
  [30, 190, 190],
];

const COLUMNS = 8;
const ROWS = 3;
/** Share of the picture's height that one row of blocks takes. */
const ROW_HEIGHT = 1 / 8;
const BLACK = 16;
const WHITE = 235;

/** The tone of a person in Hz; neighbours are 200 Hz apart. */
export const toneOf = (person) => 500 + 200 * person;

/** The person whose tone `hz` is, or null. */
export function personOfTone(hz) {
  const person = Math.round((hz - 500) / 200);
  return person >= 0 && person < COLOURS.length && Math.abs(hz - toneOf(person)) < 40 ? person : null;
}

const nibbles = (person, number) => [0, 4, 8, 12].reduce((sum, at) => sum + ((number >> at) & 15), person);

/** The 24 bits of a picture, row by row: person, checksum, frame number. */
export function bitsOf(person, number) {
  const value = (person << 20) | ((nibbles(person, number & 0xffff) & 15) << 16) | (number & 0xffff);
  return Array.from({ length: COLUMNS * ROWS }, (_, at) => (value >> (COLUMNS * ROWS - 1 - at)) & 1);
}

/** The rectangles of a picture, painted in order: `[r, g, b, x, y, width, height]`, places 0..1. */
export function rectanglesOf(person, number) {
  const rectangles = [[...COLOURS[person], 0, 0, 1, 1]];
  bitsOf(person, number).forEach((bit, at) => {
    const level = bit ? WHITE : BLACK;
    const x = (at % COLUMNS) / COLUMNS;
    const y = Math.floor(at / COLUMNS) * ROW_HEIGHT;
    rectangles.push([level, level, level, x, y, 1 / COLUMNS, ROW_HEIGHT]);
  });
  rectangles.push([WHITE, WHITE, WHITE, ((number % 28) / 32), 0.42, 1 / 8, 0.16]);
  return rectangles;
}

/** Paints a picture as RGBA bytes. */
export function paint(width, height, person, number) {
  const pixels = new Uint32Array(width * height);
  for (const [r, g, b, x, y, w, h] of rectanglesOf(person, number)) {
    const colour = (255 << 24) | (b << 16) | (g << 8) | r;
    const [left, right] = [Math.round(x * width), Math.round((x + w) * width)];
    for (let row = Math.round(y * height); row < Math.round((y + h) * height); row += 1) {
      pixels.fill(colour, row * width + left, row * width + right);
    }
  }
  return new Uint8Array(pixels.buffer);
}

function chroma([r, g, b]) {
  return [-0.169 * r - 0.331 * g + 0.5 * b, 0.5 * r - 0.419 * g - 0.081 * b];
}

/** The person whose colour is nearest, or null when none is near. */
export function personOfColour(rgb) {
  const [cb, cr] = chroma(rgb);
  const distances = COLOURS.map((colour) => {
    const [pb, pr] = chroma(colour);
    return Math.hypot(cb - pb, cr - pr);
  });
  const nearest = distances.indexOf(Math.min(...distances));
  return distances[nearest] < 35 ? nearest : null;
}

/**
 * Reads a picture through `rgbAt(x, y)`, places 0..1. Null when it is none of
 * ours: blocks unreadable, wrong checksum, or a colour of another person.
 */
export function decode(rgbAt) {
  let value = 0;
  for (let at = 0; at < COLUMNS * ROWS; at += 1) {
    const x = ((at % COLUMNS) + 0.5) / COLUMNS;
    const y = (Math.floor(at / COLUMNS) + 0.5) * ROW_HEIGHT;
    const [r, g, b] = rgbAt(x, y);
    value = (value << 1) | (0.299 * r + 0.587 * g + 0.114 * b > 125 ? 1 : 0);
  }
  const [person, checksum, number] = [value >> 20, (value >> 16) & 15, value & 0xffff];
  if ((nibbles(person, number) & 15) !== checksum) return null;
  const places = [[0.2, 0.8], [0.5, 0.8], [0.8, 0.8]];
  const right = places.filter(([x, y]) => personOfColour(rgbAt(x, y)) === person).length;
  return right >= 2 ? { person, number } : null;
}

/** `rgbAt` over RGBA bytes. */
export function rgbaReader(data, width, height) {
  return (x, y) => {
    const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
    return [data[at], data[at + 1], data[at + 2]];
  };
}

/** `rgbAt` over a planar 4:2:0 picture without padding (limited range, BT.601). */
export function i420Reader(data, width, height) {
  const [cw, ch] = [(width + 1) >> 1, (height + 1) >> 1];
  const [u, v] = [width * height, width * height + cw * ch];
  return (x, y) => {
    const [column, row] = [Math.floor(x * width), Math.floor(y * height)];
    const at = (row >> 1) * cw + (column >> 1);
    const luma = 1.164 * (data[row * width + column] - 16);
    const [cb, cr] = [data[u + at] - 128, data[v + at] - 128];
    return [luma + 1.596 * cr, luma - 0.392 * cb - 0.813 * cr, luma + 2.017 * cb];
  };
}

/**
 * The loudest of the persons' tones in `samples` (-1..1), with the level
 * (RMS): `{ hz, level }`, hz 0 when it is silent or no person's tone stands out.
 */
export function toneIn(samples, sampleRate) {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const level = Math.sqrt(energy);
  if (level < 0.01) return { hz: 0, level };
  const powers = COLOURS.map((_, person) => {
    const w = (2 * Math.PI * toneOf(person)) / sampleRate;
    let [re, im] = [0, 0];
    samples.forEach((sample, at) => {
      re += sample * Math.cos(w * at);
      im += sample * Math.sin(w * at);
    });
    return (2 * (re * re + im * im)) / (samples.length * samples.length);
  });
  const loudest = powers.indexOf(Math.max(...powers));
  // A pure tone holds all of the energy; a third leaves room for codec and gaps.
  return { hz: powers[loudest] > energy / 3 ? toneOf(loudest) : 0, level };
}
