"""The picture and the tones of ../lib/pattern.mjs, for drivers in Python."""

import numpy

COLOURS = numpy.array(
    [(200, 40, 40), (40, 170, 40), (50, 50, 220), (200, 200, 30), (200, 40, 200), (30, 190, 190)]
)
WIDTH, HEIGHT, FPS = 640, 360, 15
RATE = 48_000


def checksum(person, number):
    return (person + sum((number >> at) & 15 for at in (0, 4, 8, 12))) & 15


def paint(person, number):
    """One picture as an array of RGBA rows."""
    number &= 0xFFFF
    pixels = numpy.full((HEIGHT, WIDTH, 4), 255, numpy.uint8)
    pixels[:, :, :3] = COLOURS[person]
    value = person << 20 | checksum(person, number) << 16 | number
    bits = numpy.array([value >> (23 - at) & 1 for at in range(24)]).reshape(3, 8)
    levels = numpy.where(bits == 1, 235, 16).astype(numpy.uint8)
    blocks = levels.repeat(HEIGHT // 8, axis=0).repeat(WIDTH // 8, axis=1)
    pixels[: HEIGHT // 8 * 3, :, :3] = blocks[:, :, None]
    left = number % 28 * WIDTH // 32
    pixels[int(HEIGHT * 0.42) : int(HEIGHT * 0.58), left : left + WIDTH // 8, :3] = 235
    return pixels


def person_of_colour(rgb):
    transform = numpy.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
    distances = numpy.hypot(*(transform @ (COLOURS - rgb).T))
    nearest = int(distances.argmin())
    return nearest if distances[nearest] < 35 else None


def decode(pixels):
    """(person, number) of an RGB(A) picture, or None when it is none of ours."""
    height, width = pixels.shape[:2]
    at = lambda x, y: pixels[int(y * height), int(x * width), :3].astype(float)
    value = 0
    for block in range(24):
        luma = at((block % 8 + 0.5) / 8, (block // 8 + 0.5) / 8) @ (0.299, 0.587, 0.114)
        value = value << 1 | int(luma > 125)
    person, expected, number = value >> 20, value >> 16 & 15, value & 0xFFFF
    if checksum(person, number) != expected:
        return None
    right = sum(person_of_colour(at(x, 0.8)) == person for x in (0.2, 0.5, 0.8))
    return (person, number) if right >= 2 else None


def tone_in(samples):
    """(hz, level) of the loudest person's tone; hz is 0 when none stands out."""
    energy = float(numpy.mean(samples**2))
    level = energy**0.5
    if level < 0.01:
        return 0, level
    tones = 500 + 200 * numpy.arange(len(COLOURS))
    waves = numpy.exp(-2j * numpy.pi * tones[:, None] * numpy.arange(len(samples)) / RATE)
    powers = 2 * numpy.abs(waves @ samples) ** 2 / len(samples) ** 2
    loudest = int(powers.argmax())
    return (int(tones[loudest]) if powers[loudest] > energy / 3 else 0), level


def samples_of(person, at, count):
    """`count` samples of a person's tone from sample `at` on, 16 bits."""
    times = (numpy.arange(count) + at) % RATE / RATE
    tone = 500 + 200 * person
    return (numpy.sin(2 * numpy.pi * tone * times) * 10_000).astype(numpy.int16)
