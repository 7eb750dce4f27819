"""The runbook's iFlow incident, "model list drift / update failures", over the real plugin and its fake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from switchgear_iflow.fake import FakeIFlow
from tests.incidents import Happens, Incident, happens


@pytest.fixture
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Happens:
    return happens(tmp_path, monkeypatch)


def lists(fake: FakeIFlow, *models: str) -> None:
    fake.chat.listed = (200, json.dumps({"data": [{"id": name} for name in models]}))


def entry(fake: FakeIFlow, **more: Any) -> list[dict[str, Any]]:
    """An entry with one key of the platform; it asks for the list."""
    return [{**fake.settings, "api-keys": [fake.people.new_key("ada")], "ask-for-models": True, **more}]


async def look(now: Incident) -> dict[str, Any]:
    """The next list comes, or fails to; what the operator sees of the models then."""
    await now.running.service.list_models()
    found: dict[str, Any] = (await now.running.provider("iflow"))["models"]
    return found


async def test_a_refused_credential_is_no_drift_whatever_it_answers(
    incident: Happens, log_output: pytest.CaptureFixture[str]
) -> None:
    async with FakeIFlow() as fake:
        lists(fake, "glm-9", "glm-4.6")
        async with incident(iflow=entry(fake)) as now:
            before = (await look(now))["listed"]
            fake.expire()
            for _ in range(4):
                found = await look(now)
                assert (found["listed"], found["missing"], found["drift"]["removed"]) == (before, 0, 0)
            assert "iflow/glm-9" in await now.models()
            health = await now.health("iflow")
            assert (health["status"], health["reasons"]) == ("down", ["login_required"])
            assert "see to its credential, not to the models" in health["problem"]
            now.time_passes(60)
            assert "model-drift" not in await now.firing()

            def renew(config: dict[str, Any]) -> None:
                config["iflow"][0]["api-keys"] = [fake.people.new_key("ada")]

            await now.edit(renew)
            assert (await look(now))["listed"] == before
            assert (await now.ask("iflow/glm-4.6"))[0].status_code == 200
            health = await now.health("iflow")
            assert (health["status"], health.get("problem")) == ("ok", None)
    assert '"event": "model_drift"' not in log_output.readouterr().err


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_a_list_that_cannot_be_had_takes_nothing_away(incident: Happens, status: int) -> None:
    """Chat goes on: iFlow had no dependable list."""
    async with FakeIFlow() as fake:
        lists(fake, "glm-9", "glm-4.6")
        async with incident(iflow=entry(fake)) as now:
            before = await look(now)
            fake.chat.listed = (status, "{}")
            found = await look(now)
            assert (found["listed"], found["drift"]["removed"]) == (before["listed"], 0)
            assert (await now.ask("iflow/glm-4.6"))[0].status_code == 200


async def test_drift_is_counted_held_back_and_over(incident: Happens, log_output: pytest.CaptureFixture[str]) -> None:
    async with FakeIFlow() as fake:
        lists(fake, "glm-9", "glm-8", "glm-4.6")
        async with incident(iflow=entry(fake)) as now:
            before = (await look(now))["listed"]
            lists(fake, "glm-8", "glm-4.6")
            found = await look(now)
            drift = found["drift"]
            assert (drift["before"], drift["after"], drift["removed_names"]) == (before, before - 1, ["glm-9"])
            assert (found["listed"], found["missing"]) == (before, 1), "it is held back, not gone"
            now.time_passes(10)
            assert (await now.firing())["model-drift"] == "models-come-and-go"
            assert (await now.health("iflow"))["accounts"] == {"total": 1, "ready": 1}
            lists(fake, "glm-9", "glm-8", "glm-4.6")
            recovered = await look(now)
            assert (recovered["listed"], recovered["missing"], recovered["drift"]["removed"]) == (before, 0, 0)
            assert ("model-drift", "resolved") in now.time_passes(40)
    logged = [json.loads(line) for line in log_output.readouterr().err.splitlines() if '"model_drift"' in line]
    assert (logged[0]["before"], logged[0]["after"], logged[0]["removed"]) == (before, before - 1, "glm-9")


async def test_a_safe_alias_has_a_model_that_is_known_to_be_good(incident: Happens) -> None:
    async with FakeIFlow() as fake:
        lists(fake, "glm-9", "glm-4.6")
        fake.chat.served.add("glm-9")
        async with incident(iflow=entry(fake, aliases={"safe": {"candidates": ["glm-9", "glm-4.6"]}})) as now:
            await look(now)
            [answer] = await now.ask("iflow/safe")
            assert (answer.status_code, fake.chat.bodies[-1]["model"]) == (200, "glm-9")
            fake.chat.served.remove("glm-9")
            assert [answer.status_code for answer in await now.ask("iflow/safe", 3)] == [200] * 3
            assert fake.chat.bodies[-1]["model"] == "glm-4.6"
            assert (await now.health("iflow"))["accounts"] == {"total": 1, "ready": 1}


async def test_ones_own_filter_is_told_from_the_upstream(incident: Happens) -> None:
    async with FakeIFlow() as fake:
        lists(fake, "glm-9", "glm-4.6")
        async with incident(iflow=entry(fake)) as now:
            before = await look(now)
            await now.edit(lambda config: config["iflow"][0].update({"excluded-models": ["glm-9"]}))
            found = await look(now)
            assert (found["listed"], found["hidden"], found["drift"]["removed"]) == (before["listed"] - 1, 1, 0)
            why = now.running.service.current.catalog.why_missing("iflow/glm-9")
            assert "iflow: hides 'glm-9' by excluded-models 'glm-9'" in why
            now.time_passes(10)
            assert "model-drift" not in await now.firing()
