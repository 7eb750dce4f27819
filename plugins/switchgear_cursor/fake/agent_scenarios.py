"""Everything else that a run may become: what the service wants on the client's machine, and every way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_answers import (
    Answer,
    Scenario,
    answer_to,
    begun,
    give,
    make,
    plain,
    sample_call,
    used_for,
    words,
)
from switchgear_cursor.fake.agent_errors import ERRORS
from switchgear_cursor.fake.agent_refusals import (
    EXECUTIONS,
    QUERIES,
    THROWN,
    refused_execution,
    refused_query,
    thrown_execution,
)
from switchgear_cursor.fake.agent_run import Run

COUNTER = 7_000_000
"""A cache read that is a counter of the whole account."""
TICK_S = 0.05


def refusing(name: str) -> Scenario:
    """Refuse at once."""

    async def scenario(run: Run) -> None:
        await run.end(ERRORS[name])

    return scenario


def half_said(then: Scenario) -> Scenario:
    """Say a part of the answer, then go on so."""

    async def scenario(run: Run) -> None:
        prompt = await begun(run)
        for piece in words(answer_to(run, prompt).text or "Well then")[:2]:
            await run.say(say.text(piece))
        await run.flush()
        await then(run)

    return scenario


async def _native(run: Run) -> None:
    """Ask for everything that a client of ours does not do, one after the other; then answer."""
    prompt = await begun(run)
    state = (await run.execute(36, {})).message(36).message(1).messages(1)
    tools = {tool.text(1) for server in state for tool in server.messages(5)}
    text = "It is all refused." if tools == set(run.asked.tools) else f"It has the tools {sorted(tools)}."
    for kind in EXECUTIONS:
        await refused_execution(run, kind)
    for kind in THROWN:
        await thrown_execution(run, kind)
    for kind in QUERIES:
        await refused_query(run, kind)
    await give(run, prompt, Answer(text))


async def _calls_a_tool(run: Run) -> None:
    """Call the first of the tools, whatever is asked."""
    prompt = await begun(run)
    await give(run, prompt, Answer(calls=[sample_call(run)]))


async def _unknown_tool(run: Run) -> None:
    """Call a tool that nobody offered; told so, answer in words."""
    prompt = await begun(run)
    fields = say.mcp_args("made_up", "made_up", "switchgear", "call_x", {})
    result = (await run.execute(11, fields)).message(11)
    found = "not found" if result.numbers == {5} else f"answered with {sorted(result.numbers)}"
    await give(run, prompt, Answer(f"The tool was {found}."))


async def _taken_back(run: Run) -> None:
    """Call two tools, think better of the first, and let the client have the second."""
    await begun(run)
    name, args = sample_call(run)
    numbers = await make(run, [(name, {**args, "late": True}), (name, args)], counted=False)
    await run.abort(numbers[0])
    await run.gone()


async def _silent_turn(run: Run) -> None:
    """End the stream well, without an end of the turn and without a word."""
    await begun(run)
    await run.end()


async def _unended(run: Run) -> None:
    """End the stream well, without an end of the turn."""
    await run.end()


async def _open_call(run: Run) -> None:
    """Announce a call that never comes, and end the stream well."""
    await run.say(say.announced("call_open"))
    await run.end()


async def _counter(run: Run) -> None:
    """Answer; the tokens read from the cache are those of the whole account."""
    prompt = await begun(run)
    answer = answer_to(run, prompt)
    for piece in words(answer.text):
        await run.say(say.text(piece))
    used = used_for(prompt, answer)
    await run.say(say.checkpoint(used[1] + used[2]))
    await run.finish({**used, 3: COUNTER})


async def _cut(run: Run) -> None:
    await run.cut()


async def _endless(run: Run) -> None:
    """End the body, without an end frame."""
    await run.close()


async def _still(run: Run) -> None:
    """Say nothing more."""
    await run.gone(60.0)


async def _beating(run: Run) -> None:
    """Say nothing but that the server is there, for ever."""
    while True:
        await run.say(say.heartbeat())
        await run.flush()
        await asyncio.sleep(TICK_S)


async def _form(run: Run) -> None:
    """Refuse parameters that stand beside the model's details, as for some models."""
    await (refusing("invalid_form") if run.asked.parameters and run.asked.has_details else plain)(run)


async def _max_mode(run: Run) -> None:
    """Refuse a model without Max Mode."""
    await (plain if run.asked.max_mode else refusing("max_mode"))(run)


SCENARIOS: Mapping[str, Scenario] = {
    "plain": plain,
    "native": _native,
    "calls_a_tool": _calls_a_tool,
    "unknown_tool": _unknown_tool,
    "taken_back": _taken_back,
    "counter": _counter,
    "needs_one_form": _form,
    "needs_max_mode": _max_mode,
    **{name: refusing(name) for name in ERRORS},
    "in_band_stream": refusing("in_band"),
    "in_band_late": half_said(refusing("in_band")),
    "cut": half_said(_cut),
    "unended": half_said(_unended),
    "open_call": half_said(_open_call),
    "endless": half_said(_endless),
    "slow": half_said(_still),
    "beating": half_said(_beating),
    "silent_turn": _silent_turn,
    "stalled": _still,
}
"""By name. The conformance kit's faults have its names."""
