"""Documents, which the service has no proved place for: their text is sent, and what has none is refused. Pure.

The newest service model has ``documents``, which nobody is known to use; the older one does not (read 2026-11).
"""

from __future__ import annotations

import binascii

from switchgear import File
from switchgear_kiro.refusals import Reason, refused

_FORMAT: Reason = "DOCUMENT_FORMAT_UNSUPPORTED"
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
"""Media types that are text beside ``text/*``."""


def document_text(file: File) -> str:
    """The document's text, its name first.

    Raises:
        UpstreamError: 400; it is given by its URL, or is no text.
    """
    text = file.text or _decoded(file)
    return f"{file.name}\n{text}" if file.name else text


def _decoded(file: File) -> str:
    if file.url:
        raise refused(_FORMAT, "a file is given by its URL, which Kiro cannot fetch; send its text")
    media_type = file.media_type.partition(";")[0].strip().lower()
    if not media_type.startswith("text/") and media_type not in _TEXT_TYPES:
        said = f"a file of the type {media_type[:64]!r}" if media_type else "a file without a type"
        raise refused(_FORMAT, f"{said} cannot be sent to Kiro; send its text, or its pages as images")
    try:
        return binascii.a2b_base64(file.data, strict_mode=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refused(_FORMAT, f"the file {file.name[:64]!r} is said to be text, but is no UTF-8 in base64") from None
