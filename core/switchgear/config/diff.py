"""What differs between two configurations: keys, never values.

A configuration is outlined as a tree of its keys with a digest at each leaf, so that an outline can be kept on disk. It
is taken after validation: a default that is written out is no change, a secret that was rotated behind its reference is
one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

from switchgear.config.places import show_key
from switchgear.config.schema import CORE_KEYS, Config
from switchgear.references import looks_secret
from switchgear.secret import Secret
from switchgear.settings import ProviderSettings, kebab

AT_START = ("host", "port", "log", "server", "state-dir")
"""The keys that are read at start only."""
DOCUMENT = "config"
"""The name of :class:`LoadedOutline` in the :class:`~switchgear.state.StateStore`."""
ORDER = "the order of providers"
DIGITS = 16
SALT_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Outline:
    """A configuration without its values.

    Attributes:
        salt: goes into every digest; outlines are compared under the same one.
        order: the providers' names, as they stand in the file: the first that lists a bare name gets it.
        tree: key to digest, or to the tree below it; an item of a list is ``[name]``, or ``[position]``.
    """

    salt: str
    order: tuple[str, ...]
    tree: dict[str, Any]

    @property
    def providers(self) -> set[str]:
        """The keys of the provider blocks."""
        return set(self.tree) - set(CORE_KEYS)


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """Paths of keys. What is below an added or removed key is not told one by one."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def by_kind(self) -> list[tuple[str, tuple[str, ...]]]:
        """``added``, ``removed`` and ``changed``, each with its paths; those that are empty are left out."""
        kinds = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return [(kind, paths) for kind, paths in kinds if paths]

    def touches(self, keys: Collection[str]) -> bool:
        """Whether anything at or below one of the top-level ``keys`` changed."""
        paths = (*self.added, *self.removed, *self.changed)
        return any(re.split(r"[.\[]", path, maxsplit=1)[0] in keys for path in paths)

    @property
    def at_start(self) -> list[str]:
        """Those that a reload does not take in."""
        return [path for path in self.changed if path.partition(".")[0] in AT_START]


def new_salt() -> str:
    """A salt for the outlines of one process."""
    return secrets.token_hex(SALT_BYTES)


def outline(config: Config, entries: Iterable[tuple[str, str, ProviderSettings]], salt: str) -> Outline:
    """The outline of core's keys and of the entries, each as its block's key, its name and its settings."""
    tree = _tree(config, salt)
    order = []
    for key, name, settings in entries:
        tree.setdefault(key, {})[_item(name)] = _tree(settings, salt)
        order.append(name)
    return Outline(salt, tuple(order), tree)


def compare(old: Outline, new: Outline) -> Changes:
    """What ``new`` changes.

    Raises:
        ValueError: they were made under different salts.
    """
    if old.salt != new.salt:
        raise ValueError("these outlines cannot be compared")
    added: list[str] = []
    removed: list[str] = []
    changed: list[str] = []

    def walk(before: Mapping[str, Any], after: Mapping[str, Any], above: str) -> None:
        for step in dict.fromkeys((*before, *after)):
            path = f"{above}{step}" if step.startswith("[") or not above else f"{above}.{step}"
            if step not in before:
                added.append(path)
            elif step not in after:
                removed.append(path)
            elif isinstance(before[step], dict) and isinstance(after[step], dict):
                walk(before[step], after[step], path)
            elif before[step] != after[step]:
                changed.append(path)

    walk(old.tree, new.tree, "")
    if [name for name in old.order if name in new.order] != [name for name in new.order if name in old.order]:
        changed.append(ORDER)
    return Changes(tuple(added), tuple(removed), tuple(changed))


def _tree(value: Any, salt: str) -> Any:
    """The tree below a mapping or a list of mappings; the digest of anything else."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {info.alias or kebab(name): _tree(getattr(value, name), salt) for name, info in fields.items()}
    if isinstance(value, Mapping):
        return {_step(str(key)): _tree(inner, salt) for key, inner in value.items()}
    if isinstance(value, list | tuple) and value and all(isinstance(item, BaseModel) for item in value):
        return {step: _tree(item, salt) for step, item in zip(_items(value), value, strict=True)}
    return hmac.new(bytes.fromhex(salt), _plain(value).encode(), hashlib.sha256).hexdigest()[:DIGITS]


def _items(items: Iterable[BaseModel]) -> Iterator[str]:
    """What each item of a list is called: by its name or label where that tells it from the others."""
    names = [getattr(item, "name", None) or getattr(item, "label", None) for item in items]
    counted = Counter(names)
    for position, name in enumerate(names):
        yield _item(name) if isinstance(name, str) and counted[name] == 1 else f"[{position}]"


def _item(name: str) -> str:
    return f"[{_step(name)}]"


def _step(key: str) -> str:
    """A key as it may be shown; two that look like secrets stay two."""
    return show_key(key) + hashlib.sha256(key.encode()).hexdigest()[:4] if looks_secret(key) else key


def _plain(value: Any) -> str:
    """A value as a text that is the same for equal values."""
    if isinstance(value, Secret):
        return value.reveal()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        compared = [field.name for field in dataclasses.fields(value) if field.compare]
        return repr([(name, _plain(getattr(value, name))) for name in compared])
    if isinstance(value, set | frozenset):
        return repr(sorted(map(_plain, value)))
    if isinstance(value, list | tuple):
        return repr([_plain(item) for item in value])
    return repr(value)


# -- as a document -----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class LoadedOutline:
    """What a running gateway has loaded: the file's absolute path, when (Unix seconds), and the outline."""

    file: str
    loaded_at: float
    outline: Outline

    def document(self) -> dict[str, Any]:
        """As JSON data; :meth:`read` is the way back."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> LoadedOutline | None:
        """The same from its document; ``None`` for one that is damaged."""
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError:
            return None
