"""Drives the PyPI `livekit` SDK: commands in, answers and events out.

One JSON object a line on both sides. A command is {id, verb, session, ...} and
is answered by {id, value} or {id, error}; what the SDK reports comes as
{event, session, ...}. The verbs and events are the same in every driver, see
../lib/actor.mjs; the picture and the tones are those of ../lib/pattern.mjs.
"""

import asyncio
import hashlib
import sys
import traceback
from pathlib import Path

import numpy
from livekit import rtc

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import python_media as media
from driver import serve, write

SOURCES = {
    "camera": rtc.TrackSource.SOURCE_CAMERA,
    "microphone": rtc.TrackSource.SOURCE_MICROPHONE,
    "screen_share": rtc.TrackSource.SOURCE_SCREENSHARE,
    "screen_share_audio": rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO,
}
SOURCE_NAMES = {value: name for name, value in SOURCES.items()}
SCENARIOS = {
    "resume": rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT,
    "reconnect": rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT,
}


def kind_name(kind):
    return "video" if kind == rtc.TrackKind.KIND_VIDEO else "audio"


def track_info(publication):
    return {
        "sid": publication.sid,
        "kind": kind_name(publication.kind),
        "source": SOURCE_NAMES.get(publication.source, "unknown"),
        "muted": publication.muted,
    }


def participant_info(participant):
    return {
        "identity": participant.identity,
        "sid": participant.sid,
        "name": participant.name,
        "metadata": participant.metadata,
        "attributes": participant.attributes,
        "tracks": [track_info(t) for t in participant.track_publications.values()],
    }


class Session:
    """One participant: a Room of the SDK and what it publishes and receives."""

    def __init__(self, name):
        self.name = name
        self.room = rtc.Room()
        self.published = {}
        self.readers = {}
        self.tasks = set()
        self.listen()

    def emit(self, event, **fields):
        write({"event": event, "session": self.name, **fields})

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.finish)
        return task

    def finish(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            traceback.print_exception(task.exception())

    def listen(self):
        on, emit = self.room.on, self.emit
        on("participant_connected", lambda p: emit("participant_joined", identity=p.identity))
        on("participant_disconnected", lambda p: emit("participant_left", identity=p.identity))
        on("track_published", lambda t, p: emit("track_published", identity=p.identity, **track_info(t)))
        on("track_unpublished", lambda t, p: emit("track_unpublished", identity=p.identity, **track_info(t)))
        on("track_muted", lambda p, t: emit("track_muted", identity=p.identity, **track_info(t)))
        on("track_unmuted", lambda p, t: emit("track_unmuted", identity=p.identity, **track_info(t)))
        on("track_subscribed", self.on_subscribed)
        on("track_unsubscribed", self.on_unsubscribed)
        on("data_received", self.on_data)
        on("active_speakers_changed", lambda s: emit("speakers", identities=[p.identity for p in s]))
        on("participant_metadata_changed", lambda p, *_: emit("metadata_changed", identity=p.identity))
        on("participant_name_changed", lambda p, *_: emit("name_changed", identity=p.identity))
        on("participant_attributes_changed", lambda _, p: emit("attributes_changed", identity=p.identity))
        on("reconnecting", lambda: emit("reconnecting"))
        on("reconnected", lambda: emit("reconnected"))
        on("disconnected", lambda reason: emit("disconnected", reason=rtc.DisconnectReason.Name(reason)))

    def on_subscribed(self, track, publication, participant):
        info = track_info(publication)
        self.emit("track_subscribed", identity=participant.identity, **info)
        read = media.read_video if info["kind"] == "video" else media.read_audio
        report = lambda **fields: self.emit(
            info["kind"], identity=participant.identity, source=info["source"], **fields
        )
        self.readers[publication.sid] = self.spawn(read(track, report))

    def on_unsubscribed(self, _track, publication, participant):
        reader = self.readers.pop(publication.sid, None)
        if reader:
            reader.cancel()
        self.emit("track_unsubscribed", identity=participant.identity, **track_info(publication))

    def on_data(self, packet):
        self.emit(
            "data",
            identity=packet.participant.identity if packet.participant else None,
            text=packet.data.decode(),
            topic=packet.topic,
            reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
        )

    def on_text(self, reader, identity):
        async def read():
            self.emit("text", identity=identity, topic=reader.info.topic, text=await reader.read_all())

        self.spawn(read())

    def on_bytes(self, reader, identity):
        async def read():
            content = b"".join([chunk async for chunk in reader])
            digest = hashlib.sha256(content).hexdigest()
            self.emit("bytes", identity=identity, name=reader.info.name, size=len(content), digest=digest)

        self.spawn(read())

    async def connect(self, url, token, single=True, autoSubscribe=True):
        self.room.register_text_stream_handler("text", self.on_text)
        self.room.register_byte_stream_handler("bytes", self.on_bytes)
        options = rtc.RoomOptions(auto_subscribe=autoSubscribe, single_peer_connection=single)
        await self.room.connect(url, token, options)
        self.room.local_participant.register_rpc_method("echo", self.echo)
        return await self.state()

    async def echo(self, call):
        return f"{call.caller_identity}: {call.payload}"

    async def state(self):
        return {
            "room": self.room.name,
            "sid": self.room.local_participant.sid,
            "participants": [participant_info(p) for p in self.room.remote_participants.values()],
        }

    async def disconnect(self):
        for track in list(self.published.values()):
            track.stop()
        await self.room.disconnect()
        for task in list(self.tasks):
            task.cancel()

    async def publish(self, kind, person, source):
        published = media.Published(kind, person)
        options = rtc.TrackPublishOptions(source=SOURCES[source])
        publication = await self.room.local_participant.publish_track(published.track, options)
        published.start()
        self.published[publication.sid] = published
        return {"sid": publication.sid}

    async def unpublish(self, sid):
        self.published.pop(sid).stop()
        await self.room.local_participant.unpublish_track(sid)

    async def mute(self, sid, muted):
        track = self.published[sid].track
        track.mute() if muted else track.unmute()

    async def subscribe(self, sid, subscribed):
        for participant in self.room.remote_participants.values():
            if sid in participant.track_publications:
                participant.track_publications[sid].set_subscribed(subscribed)
                return
        raise LookupError(f"no track {sid}")

    async def sendData(self, text, reliable=True, to=(), topic=""):
        await self.room.local_participant.publish_data(
            text, reliable=reliable, destination_identities=list(to), topic=topic
        )

    async def sendText(self, text, to=()):
        await self.room.local_participant.send_text(text, topic="text", destination_identities=list(to))

    async def sendBytes(self, size, to=()):
        content = numpy.random.default_rng(size).bytes(size)
        writer = await self.room.local_participant.stream_bytes(
            "random.bin", topic="bytes", total_size=size, destination_identities=list(to)
        )
        await writer.write(content)
        await writer.aclose()
        return {"digest": hashlib.sha256(content).hexdigest()}

    async def rpc(self, to, method, payload):
        return await self.room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload
        )

    async def update(self, metadata=None, name=None, attributes=None):
        local = self.room.local_participant
        if metadata is not None:
            await local.set_metadata(metadata)
        if name is not None:
            await local.set_name(name)
        if attributes is not None:
            await local.set_attributes(attributes)

    async def simulate(self, scenario):
        await self.room.simulate_scenario(SCENARIOS[scenario])


if __name__ == "__main__":
    asyncio.run(serve(Session))
