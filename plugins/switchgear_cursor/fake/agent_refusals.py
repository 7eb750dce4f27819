"""How a client has to refuse what the agent wants done on its machine, or asks of the person: every kind in its form.

Source: descriptor of the vendor's SDK 1.0.31 and captures, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from switchgear_cursor.fake import agent_messages as say
from switchgear_cursor.fake.agent_errors import Breach
from switchgear_cursor.fake.agent_run import CONTROL, RESPONSE, Run
from switchgear_cursor.fake.fields import Fields, message

SUBJECT, PLACE = "/etc/hostname", "/tmp/somewhere"  # noqa: S108 - nothing is there
"""What the first two arguments of every execution are."""
WORDS = "<words>"
"""In a shape: any text, but not an empty one."""

Shape = Mapping[int, Any]
"""The fields that a message has, and no others: a shape, a text, a number, or ``WORDS``."""

_PATH: Shape = {1: SUBJECT, 2: WORDS}
_COMMAND: Shape = {1: SUBJECT, 2: PLACE, 3: WORDS}
_ERROR: Shape = {2: {1: WORDS}}
_HOOK = 4
"""One of the kinds of hooks."""

EXECUTIONS: Mapping[int, tuple[int, Shape]] = {
    2: (2, {4: _COMMAND}),
    3: (3, {6: _PATH}),
    4: (4, {6: _PATH}),
    5: (5, _ERROR),
    7: (7, {3: _PATH}),
    8: (8, {3: _PATH}),
    9: (9, {3: _PATH}),
    14: (14, {5: _COMMAND}),
    16: (16, {3: _COMMAND}),
    17: (17, {1: {}}),
    18: (18, {4: {1: PLACE}}),
    20: (20, {2: _PATH}),
    21: (21, {4: {1: WORDS}}),
    22: (22, _ERROR),
    23: (23, _ERROR),
    27: (27, {1: {_HOOK: {}}}),
    28: (28, {2: {2: WORDS}}),
    29: (29, {3: _PATH}),
    30: (30, {1: 2}),
    31: (31, {1: 2}),
    37: (37, {3: {1: SUBJECT}}),
    38: (38, _ERROR),
    40: (40, _ERROR),
    41: (41, {}),
    42: (42, {}),
    43: (43, {}),
    **{kind: (kind + 1, _ERROR) for kind in range(45, 52)},
    52: (55, {4: _COMMAND}),
    53: (53, _ERROR),
    54: (54, _ERROR),
}
"""By the kind that is asked for: the number of the answer, and its shape."""
THROWN = (44, 56, 99)
"""Kinds that have no answer, 99 of which nobody knows: they are thrown back."""

_REJECTED: Shape = {2: {1: WORDS}}
QUERIES: Mapping[int, Shape | None] = {
    2: _REJECTED,
    3: {1: {3: {1: WORDS}}},
    4: _REJECTED,
    7: {1: {2: {1: WORDS}}},
    8: {1: {}},
    9: _REJECTED,
    10: {},
    11: _REJECTED,
    12: _REJECTED,
    13: {},
    14: {},
    15: None,
}
"""By the kind of the question: the shape of the answer; ``None`` where the id alone is one."""


def arguments(kind: int) -> dict[int, bytes | str]:
    """What an execution of this kind is to be done with."""
    return {1: message({_HOOK: b""})} if kind == 27 else {1: SUBJECT, 2: PLACE}


async def refused_execution(run: Run, kind: int) -> None:
    """Have something done that no client of ours does: it has to be refused in its own form."""
    answered_as, shape = EXECUTIONS[kind]
    given = await run.execute(kind, arguments(kind))
    if given.numbers != {1, 15, answered_as}:
        raise Breach(f"the execution kind {kind} is answered with {sorted(given.numbers)}")
    if problem := misfit(given.message(answered_as), shape):
        raise Breach(f"the execution kind {kind} is not refused in its form: {problem}")


async def thrown_execution(run: Run, kind: int) -> None:
    """Have something done that has no answer: it has to be thrown back."""
    number = run.next_number()
    await run.say(say.execution(number, f"e{number}", kind, arguments(kind)))
    thrown = (await run.answer(CONTROL)).message(2)
    if thrown.number(1) != number or not thrown.text(2):
        raise Breach(f"the execution kind {kind} was not thrown back")
    await run.closed(number)


async def refused_query(run: Run, kind: int) -> None:
    """Ask the person something: it has to be declined in its own form."""
    number, shape = run.next_number(), QUERIES[kind]
    await run.say(say.query(number, kind))
    given = await run.answer(RESPONSE)
    if given.number(1) != number or given.numbers != ({1} if shape is None else {1, kind}):
        raise Breach(f"the query kind {kind} is answered with {sorted(given.numbers)}")
    if shape is not None and (problem := misfit(given.message(kind), shape)):
        raise Breach(f"the query kind {kind} is not declined in its form: {problem}")


def misfit(given: Fields, shape: Shape, where: str = "") -> str:
    """What is wrong with a message that should have this shape; empty for nothing."""
    if given.numbers != set(shape):
        return f"{where or 'it'} has the fields {sorted(given.numbers)}, not {sorted(shape)}"
    for number, wanted in shape.items():
        place = f"{where}.{number}".lstrip(".")
        if isinstance(wanted, Mapping):
            problem = misfit(given.message(number), wanted, place)
            if problem:
                return problem
        elif isinstance(wanted, int):
            if given.number(number) != wanted:
                return f"{place} is {given.number(number)}, not {wanted}"
        elif not given.text(number) or wanted not in {WORDS, given.text(number)}:
            return f"{place} is {given.text(number)!r}, not {wanted!r}"
    return ""
