"""What docs/clients.md tells a person to write, taken from there, so that the page is what runs."""

from __future__ import annotations

import re

from tests.clients.installs import ROOT
from tests.clients.stack import KEY, Serving


def blocks(title: str, language: str) -> list[str]:
    """The code blocks of a language in the section with this title."""
    page = (ROOT / "docs" / "clients.md").read_text()
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def filled(text: str, behind: Serving, prefix: str = "f") -> str:
    """With the gateway's address, a key and two models of the stack for those of the page."""
    text = text.replace("http://127.0.0.1:8317", behind.url)
    text = text.replace("or/kimi-k2", f"{prefix}/chat").replace("or/gpt-oss-20b", f"{prefix}/small")
    return re.sub(r"\bKEY\b", KEY, text)


def script(title: str, behind: Serving, prefix: str = "f") -> str:
    """The section's commands as one shell script."""
    lines = "".join(blocks(title, "console")).splitlines()
    return filled("\n".join(["set -e", *(line.removeprefix("$ ") for line in lines)]), behind, prefix)
