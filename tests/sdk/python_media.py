"""Sources and readers of picture and tone for python_driver.py."""

import asyncio
import time

import numpy
from livekit import rtc

from pattern import HEIGHT, RATE, WIDTH, FPS, decode, paint, samples_of, tone_in

# Ten reports a second show a gap of 0.2 s and cost little.
REPORT_INTERVAL = 0.1


async def read_video(track, report):
    stream = rtc.VideoStream(track, format=rtc.VideoBufferType.RGBA, capacity=2)
    last, frames = 0, 0
    try:
        async for event in stream:
            frames += 1
            if time.monotonic() - last < REPORT_INTERVAL:
                continue
            last = time.monotonic()
            frame = event.frame
            pixels = numpy.frombuffer(frame.data, numpy.uint8).reshape(frame.height, frame.width, 4)
            person, number = decode(pixels) or (None, None)
            report(person=person, number=number, frames=frames, width=frame.width, height=frame.height)
    finally:
        await stream.aclose()


async def read_audio(track, report):
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
    pending = numpy.zeros(0)
    try:
        async for event in stream:
            frame = numpy.frombuffer(event.frame.data, numpy.int16) / 32768
            pending = numpy.concatenate([pending, frame])
            if len(pending) >= RATE * REPORT_INTERVAL:
                hz, level = tone_in(pending)
                report(hz=hz, level=level)
                pending = numpy.zeros(0)
    finally:
        await stream.aclose()


class Published:
    """A local track and the task that feeds it."""

    def __init__(self, kind, person):
        self.person = person
        if kind == "video":
            self.source = rtc.VideoSource(WIDTH, HEIGHT)
            self.track = rtc.LocalVideoTrack.create_video_track("picture", self.source)
            self.feed = self.feed_video
        else:
            self.source = rtc.AudioSource(RATE, 1, 100)
            self.track = rtc.LocalAudioTrack.create_audio_track("tone", self.source)
            self.feed = self.feed_audio

    def start(self):
        self.task = asyncio.ensure_future(self.feed())

    def stop(self):
        self.task.cancel()

    async def feed_video(self):
        start, number = time.monotonic(), 0
        while True:
            pixels = paint(self.person, number).tobytes()
            frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels)
            self.source.capture_frame(frame)
            number += 1
            await asyncio.sleep(max(0, start + number / FPS - time.monotonic()))

    async def feed_audio(self):
        count, at = RATE // 50, 0
        while True:
            samples = samples_of(self.person, at, count).tobytes()
            await self.source.capture_frame(rtc.AudioFrame(samples, RATE, 1, count))
            at += count
