"""The parts of the documentation that the code knows best: `make docs-write` writes them, `make docs` compares."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import cog
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from switchgear import hookspecs
from switchgear.policy import RULES, Block, Step

ROOT = Path(__file__).parent.parent

BLOCKS = {
    Block.NONE: "nothing",
    Block.COUNT: "counts towards the breaker: five in a row open it",
    Block.COOL: "this model on this account cools down, as long as the upstream says within floor and cap",
    Block.QUOTA: "the account is out until its quota is back, a day at most",
    Block.PAIR: "this model on this account is out for five minutes",
    Block.ACCOUNT: "the account is out until its credential changes",
}
STEPS = {
    Step.REFRESH: "refresh the token once and ask again; else the next candidate",
    Step.NEXT: "the next candidate",
    Step.NEXT_PROVIDER: "the next candidate of another provider; never another account of the same one",
    Step.GIVE_UP: "returned to the client at once",
}
ALONE = {
    Step.BACK_OFF: "the same again after a pause with jitter",
    Step.WAIT: "wait for the first to cool down, `max-retry-interval` at most",
    Step.GIVE_UP: "the client gets the error",
}


def failures() -> None:
    """The policy table."""
    cog.outl("\n| kind | what it does to the account | the request goes to | if nobody else is there |")
    cog.outl("| --- | --- | --- | --- |")
    for kind, rule in RULES.items():
        alone = "" if rule.step is Step.GIVE_UP else ALONE[rule.alone]
        cog.outl(f"| `{kind}` | {BLOCKS[rule.block]} | {STEPS[rule.step]} | {alone} |")


def eight_lines() -> None:
    """The smallest plugin, as it stands in the examples."""
    example = ROOT / "docs" / "examples" / "echo"
    project = (example / "pyproject.toml").read_text()
    entry_point = project[project.index("[project.entry-points") : project.index("[tool.hatch")]
    cog.outl(f"\n```python\n{(example / 'switchgear_echo.py').read_text().rstrip()}\n```")
    cog.outl(f"\n```toml\n{entry_point.rstrip()}\n```")


def hooks() -> None:
    """Every hook: its arguments, its colour and its docstring."""
    for name, function in vars(hookspecs).items():
        if not hasattr(function, "switchgear_spec"):
            continue
        colour = "coroutine" if inspect.iscoroutinefunction(function) else "plain function"
        if name == "forward":
            colour = "async generator, or coroutine"
        cog.outl(f"\n### `{name}({', '.join(inspect.signature(function).parameters)})`\n\n*{colour}*\n")
        cog.outl(_markdown(inspect.getdoc(function) or ""))


def _markdown(docstring: str) -> str:
    text = re.sub(r":class:`~[\w.]*\.(\w+)`", r"`\1`", docstring).replace("``", "`")
    lines = []
    for line in text.splitlines():
        if line in {"Args:", "Returns:", "Raises:"}:
            lines += [f"{line[:-1]}:", ""]
        elif re.match(r"    \S", line):
            lines.append(f"- {line.strip()}")
        else:
            lines.append(line.replace("        ", "  ", 1) if line.startswith("        ") else line)
    return "\n".join(lines)


def settings(model: type[BaseModel], prefix: str = "") -> None:
    """Every key of a settings model, nested ones dotted, with type, default and meaning."""
    cog.outl("\n| key | type | default | meaning |")
    cog.outl("| --- | --- | --- | --- |")
    _rows(model, prefix)


def _rows(model: type[BaseModel], prefix: str) -> None:
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _model_in(field.annotation)
        if inner is not None:
            many = "[]" if "tuple" in str(field.annotation) or "list" in str(field.annotation) else ""
            if meanings.get(name):
                cog.outl(f"| `{key}` | {'list' if many else 'mapping'} | | {meanings[name]} |")
            _rows(inner, f"{key}{many}.")
            continue
        cog.outl(f"| `{key}` | {_type(field)} | {_default(field)} | {meanings.get(name, '')} |")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)


def _type(field: FieldInfo) -> str:
    text = str(field.annotation)
    if "Literal" in text:
        return " or ".join(f"`{choice}`" for choice in re.findall(r"'([^']+)'", text))
    words = {"Secret": "secret", "bool": "true or false", "Mapping": "mapping", "dict": "mapping", "tuple": "list"}
    words |= {"list": "list", "float": "number", "int": "whole number", "Path": "path", "str": "text"}
    return next((word for part, word in words.items() if part in text), "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ((), {}, "", frozenset()):
        return "none"
    shown = {True: "true", False: "false"}.get(default) if isinstance(default, bool) else str(default)
    return f"`{str(shown).replace(str(Path.home()), '~')}`"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the docstrings' ``Attributes`` say of each field, the base classes' too."""
    found: dict[str, str] = {}
    for class_ in reversed(model.__mro__):
        text = inspect.cleandoc(class_.__doc__ or "").partition("Attributes:")[2]
        name = ""
        for line in text.splitlines():
            match = re.match(r"\s*(\w+): (.*)", line)
            if match is not None and match[1] in model.model_fields:
                name = match[1]
                found[name] = match[2]
            elif name and line.strip():
                found[name] += f" {line.strip()}"
    return {name: text.replace("``", "`").replace("|", "\\|") for name, text in found.items()}
