"""Drives `aiortc` through the raw signaling, as a participant with two
PeerConnections.

aiortc shares no code with libwebrtc or with the server: its ICE is its own and
its DTLS is OpenSSL's. Verbs and events are those of every driver that concern
joining, media and data, see ../lib/actor.mjs.
"""

import asyncio
import fractions
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy
import websockets
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame
from livekit.protocol import models, rtc

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from driver import serve, write
from pattern import FPS, HEIGHT, RATE, WIDTH, decode, paint, samples_of, tone_in

REPORT_INTERVAL = 0.1
JOIN_SECONDS = 10
SOURCES = {
    "camera": models.TrackSource.CAMERA,
    "microphone": models.TrackSource.MICROPHONE,
}
SOURCE_NAMES = {value: name for name, value in SOURCES.items()}
VIDEO_CLOCK = 90_000


class Picture(MediaStreamTrack):
    """A person's moving picture."""

    kind = "video"

    def __init__(self, person):
        super().__init__()
        self.person, self.number, self.start = person, 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.start + self.number / FPS - time.monotonic()))
        frame = VideoFrame.from_ndarray(paint(self.person, self.number), format="rgba").reformat(format="yuv420p")
        frame.pts, frame.time_base = self.number * VIDEO_CLOCK // FPS, fractions.Fraction(1, VIDEO_CLOCK)
        self.number += 1
        return frame


class Tone(MediaStreamTrack):
    """A person's tone."""

    kind = "audio"

    def __init__(self, person):
        super().__init__()
        self.person, self.at, self.start = person, 0, time.monotonic()

    async def recv(self):
        count = RATE // 50
        await asyncio.sleep(max(0, self.start + self.at / RATE - time.monotonic()))
        samples = samples_of(self.person, self.at, count).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.at, fractions.Fraction(1, RATE)
        self.at += count
        return frame


async def read_video(track, report):
    last, frames = 0, 0
    while True:
        frame = await track.recv()
        frames += 1
        if time.monotonic() - last < REPORT_INTERVAL:
            continue
        last = time.monotonic()
        person, number = decode(frame.to_ndarray(format="rgb24")) or (None, None)
        report(person=person, number=number, frames=frames, width=frame.width, height=frame.height)


async def read_audio(track, report):
    pending = numpy.zeros(0)
    while True:
        frame = await track.recv()
        channels = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
        pending = numpy.concatenate([pending, channels[:, 0] / 32768])
        if len(pending) >= RATE * REPORT_INTERVAL:
            hz, level = tone_in(pending)
            report(hz=hz, level=level)
            pending = numpy.zeros(0)


class Session:
    """One participant: its WebSocket and its two PeerConnections."""

    def __init__(self, name):
        self.name = name
        self.participants, self.tasks, self.published = {}, set(), {}
        self.publisher, self.subscriber = RTCPeerConnection(), RTCPeerConnection()
        self.answered, self.negotiating = None, asyncio.Lock()
        self.subscriber.on("track", self.on_track)
        self.subscriber.on("datachannel", self.on_channel)

    def emit(self, event, **fields):
        write({"event": event, "session": self.name, **fields})

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def send(self, **fields):
        await self.socket.send(rtc.SignalRequest(**fields).SerializeToString())

    async def connect(self, url, token, single=False, autoSubscribe=True):
        # aiortc offers no recvonly sections ahead of need, so it plays the mode with two connections.
        query = urlencode({"protocol": 16, "auto_subscribe": int(autoSubscribe), "sdk": "python", "version": "1"})
        self.socket = await websockets.connect(
            f"{url}/rtc?{query}", additional_headers={"Authorization": f"Bearer {token}"}
        )
        first = rtc.SignalResponse.FromString(await self.socket.recv())
        self.join = first.join
        self.note(first.join.other_participants)
        self.channels = {
            label: self.publisher.createDataChannel(label, **options)
            for label, options in (("_reliable", {}), ("_lossy", {"ordered": False, "maxRetransmits": 0}))
        }
        opened = asyncio.gather(*(self.opened(channel) for channel in self.channels.values()))
        self.spawn(self.listen())
        self.spawn(self.ping())
        await asyncio.wait_for(asyncio.gather(self.negotiate(), opened), JOIN_SECONDS)
        return await self.state()

    async def opened(self, channel):
        open_event = asyncio.Event()
        channel.on("open", open_event.set)
        await open_event.wait()

    async def ping(self):
        while True:
            await asyncio.sleep(self.join.ping_interval)
            await self.send(ping_req=rtc.Ping(timestamp=int(time.time() * 1000)))

    async def listen(self):
        try:
            async for message in self.socket:
                await self.handle(rtc.SignalResponse.FromString(message))
        except websockets.ConnectionClosed:
            pass

    async def handle(self, response):
        kind = response.WhichOneof("message")
        if kind == "answer":
            self.answered.set_result(response.answer)
        elif kind == "offer":
            await self.answer(response.offer)
        elif kind == "trickle":
            await self.trickle(response.trickle)
        elif kind == "track_published":
            self.published[response.track_published.cid].set_result(response.track_published.track.sid)
        elif kind == "update":
            self.note(response.update.participants)
        elif kind == "leave":
            self.emit("disconnected", reason=models.DisconnectReason.Name(response.leave.reason))

    async def answer(self, offer):
        await self.subscriber.setRemoteDescription(RTCSessionDescription(offer.sdp, offer.type))
        await self.subscriber.setLocalDescription(await self.subscriber.createAnswer())
        local = self.subscriber.localDescription
        await self.send(answer=rtc.SessionDescription(type=local.type, sdp=local.sdp, id=offer.id))

    async def trickle(self, trickle):
        fields = json.loads(trickle.candidateInit)
        line = fields["candidate"].removeprefix("candidate:")
        # aiortc has no TCP candidates.
        if not line or " udp " not in line.lower():
            return
        candidate = candidate_from_sdp(line)
        candidate.sdpMid, candidate.sdpMLineIndex = fields.get("sdpMid"), fields.get("sdpMLineIndex")
        peer = self.subscriber if trickle.target == rtc.SignalTarget.SUBSCRIBER else self.publisher
        await peer.addIceCandidate(candidate)

    async def negotiate(self):
        async with self.negotiating:
            await self.publisher.setLocalDescription(await self.publisher.createOffer())
            local = self.publisher.localDescription
            self.answered = asyncio.get_running_loop().create_future()
            await self.send(offer=rtc.SessionDescription(type=local.type, sdp=local.sdp))
            answer = await self.answered
            await self.publisher.setRemoteDescription(RTCSessionDescription(answer.sdp, answer.type))

    def note(self, participants):
        for participant in participants:
            identity, known = participant.identity, participant.identity in self.participants
            if participant.state == models.ParticipantInfo.State.DISCONNECTED:
                self.participants.pop(identity, None)
                self.emit("participant_left", identity=identity)
            elif participant.sid != self.join.participant.sid:
                self.participants[identity] = participant
                self.emit("participant_changed" if known else "participant_joined", identity=identity)

    def owner(self, sid):
        for participant in self.participants.values():
            for track in participant.tracks:
                if track.sid == sid:
                    return participant, track
        raise LookupError(f"no track {sid}")

    def on_track(self, track):
        self.spawn(self.read(track))

    async def read(self, track):
        def report(**fields):
            participant, info = self.owner(track.id)
            source = SOURCE_NAMES.get(info.source, "unknown")
            self.emit(track.kind, identity=participant.identity, source=source, **fields)

        try:
            await (read_video if track.kind == "video" else read_audio)(track, report)
        except MediaStreamError:
            self.emit("track_ended", sid=track.id)

    def on_channel(self, channel):
        @channel.on("message")
        def on_message(message):
            packet = models.DataPacket.FromString(message)
            if packet.WhichOneof("value") == "user":
                self.emit(
                    "data",
                    identity=packet.participant_identity or packet.user.participant_identity,
                    text=packet.user.payload.decode(),
                    topic=packet.user.topic,
                    reliable=channel.label == "_reliable",
                )

    async def state(self):
        return {
            "room": self.join.room.name,
            "sid": self.join.participant.sid,
            "participants": [
                {
                    "identity": p.identity,
                    "sid": p.sid,
                    "tracks": [{"sid": t.sid, "source": SOURCE_NAMES.get(t.source), "muted": t.muted} for t in p.tracks],
                }
                for p in self.participants.values()
            ],
        }

    async def publish(self, kind, person, source):
        track = Picture(person) if kind == "video" else Tone(person)
        self.published[track.id] = asyncio.get_running_loop().create_future()
        request = rtc.AddTrackRequest(
            cid=track.id, name=kind, source=SOURCES[source],
            type=models.TrackType.VIDEO if kind == "video" else models.TrackType.AUDIO,
        )
        if kind == "video":
            request.width, request.height = WIDTH, HEIGHT
        await self.send(add_track=request)
        sid = await asyncio.wait_for(self.published[track.id], JOIN_SECONDS)
        self.publisher.addTrack(track)
        await self.negotiate()
        return {"sid": sid}

    async def sendData(self, text, reliable=True, to=(), topic=""):
        user = models.UserPacket(payload=text.encode(), topic=topic)
        packet = models.DataPacket(user=user, destination_identities=list(to))
        self.channels["_reliable" if reliable else "_lossy"].send(packet.SerializeToString())

    async def disconnect(self):
        await self.send(leave=rtc.LeaveRequest(reason=models.DisconnectReason.CLIENT_INITIATED))
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(self.publisher.close(), self.subscriber.close(), self.socket.close())


if __name__ == "__main__":
    asyncio.run(serve(Session))
