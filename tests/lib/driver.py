"""What drivers in Python have in common: commands in, answers and events out.

One JSON object a line on both sides. A command is {id, verb, session, ...} and
is answered by {id, value} or {id, error}; an event is {event, session, ...}.
"""

import asyncio
import json
import sys

# Commands are short; the longest carries a text of some ten kilobytes.
MAX_LINE = 1 << 20


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def answer(sessions, session_class, command):
    number, verb, name = command.pop("id"), command.pop("verb"), command.pop("session")
    try:
        if verb == "connect":
            sessions[name] = session_class(name)
        write({"id": number, "value": await getattr(sessions[name], verb)(**command)})
    except Exception as error:
        text = getattr(error, "message", None) or error
        write({"id": number, "error": f"{type(error).__name__}: {text}"})


async def serve(session_class):
    """Answers commands from stdin until it ends."""
    reader = asyncio.StreamReader(limit=MAX_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    sessions, tasks = {}, set()
    while line := await reader.readline():
        task = asyncio.ensure_future(answer(sessions, session_class, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
