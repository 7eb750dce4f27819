"""The fake of Cursor as an upstream that is measured against: ``python -m tests.bench.cursor`` prints its port.

The model name says what is answered, as in :mod:`tests.bench.answers`; a run says each text chunk in a message of its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time

from switchgear_cursor.fake import FakeCursor
from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_answers import begun
from switchgear_cursor.fake.agent_run import Run
from switchgear_cursor.fake.lists import usable
from switchgear_cursor.fake.people import Key
from tests.bench.answers import knobs, said
from tests.bench.upstream import LIFETIME_S, MODELS

API_KEY = f"crsr_{'0' * 64}"
USED = {1: 96, 3: 0, 4: 0, 5: 0}


def settings(url: str) -> dict[str, object]:
    """A gateway's entry that leads to this upstream."""
    return {"api-keys": [API_KEY], "endpoints": {"api": url, "website": url}}


async def paced(run: Run) -> None:
    """The chunks that the model's name asks for, as far apart as it says."""
    asked = knobs(run.asked.model)
    await begun(run)
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(asked["n"]):
        if number and asked["i"]:
            due += asked["i"] / 1000
            await asyncio.sleep(due - loop.time())
        await run.say(say.text(said(time.monotonic_ns())))
    await run.finish({**USED, 2: asked["n"]})


async def main() -> None:
    """Serve on free loopback ports until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with FakeCursor() as fake:
        people = fake.services.people
        people.keys[API_KEY] = Key(people.user("ada"), "bench")
        fake.services.lists.usable = [usable(model) for model in MODELS]
        fake.services.lists.available = []
        fake.agent.is_plain = True
        fake.agent.otherwise = paced
        print(json.dumps({"port": fake.unary.port}), flush=True)
        try:
            await asyncio.wait_for(stop.wait(), LIFETIME_S)
        except TimeoutError:
            pass


if __name__ == "__main__":
    asyncio.run(main())
