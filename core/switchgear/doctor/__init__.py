"""The doctor: what is wrong on this machine, from the program's own packages to the upstreams' doors.

It changes nothing, sends no credential anywhere, and shows no secret. It works without a configuration and without a
gateway, and says what it could not look at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from switchgear.assembly import Loaded, Service
from switchgear.checks import Check
from switchgear.doctor import accounts, clock, configuration, files, network, port, program
from switchgear.secret import redact


async def examine(path: Path) -> list[Check]:
    """Every check, in the order in which one depends on another."""
    began = clock.Moment(time.time(), time.monotonic())
    found = await asyncio.to_thread(program.checks)
    seen = await asyncio.to_thread(configuration.look, path)
    found += seen.checks
    found += await asyncio.to_thread(files.checks, seen.config)
    found.append(await asyncio.to_thread(program.keyring, seen.config, seen.text))
    found += await port.checks(path, seen)
    dates: list[network.Reached] = []
    if seen.loaded is None:
        found.append(Check("providers", "skipped", "they can be looked at once config.yaml is valid"))
    else:
        found += await _providers(path, seen.loaded, dates)
    found.append(clock.check(began, clock.Moment(time.time(), time.monotonic()), dates))
    return [replace(each, detail=redact(each.detail), advice=redact(each.advice)) for each in found]


async def _providers(path: Path, loaded: Loaded, dates: list[network.Reached]) -> Sequence[Check]:
    untouched = loaded.config.model_copy(update={"auth_file_permissions": "look"})
    service = Service(path, replace(loaded, config=untouched))
    try:
        found = [await accounts.check(service, entry) for entry in service.current.entries]
        found += await accounts.strangers(service)
        reached = await asyncio.gather(*(network.reach(entry) for entry in service.current.entries))
        for check, answers in reached:
            found.append(check)
            dates += answers
        return found or [Check("providers", "attention", "none is configured", "add one to config.yaml")]
    finally:
        await service.aclose()
