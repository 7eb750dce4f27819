"""Images and documents on their way to the service, which takes images as data only. Pure."""

from __future__ import annotations

import base64
import binascii

import msgspec

from switchgear import Failure, File, Image, UpstreamError

MAX_IMAGES = 12
MAX_IMAGE_BYTES = 1024 * 1024
"""Of one image; larger ones are refused by the service (seen 2026-08)."""


def image_bytes(image: Image) -> bytes:
    """The image itself.

    Raises:
        UpstreamError: it is given by its URL, is no base64, or is too large (``invalid_request``).
    """
    if not image.data:
        raise unsupported("an image has to be sent as data: this service fetches none by its URL")
    try:
        data = base64.b64decode(image.data, validate=True)
    except binascii.Error:
        raise unsupported("an image is no valid base64") from None
    if len(data) > MAX_IMAGE_BYTES:
        raise unsupported(f"an image has {len(data)} bytes; this service takes {MAX_IMAGE_BYTES}")
    return data


def image_part(image: Image) -> dict[str, str]:
    """The image as a part of an earlier message. Raises as :func:`image_bytes`."""
    image_bytes(image)
    return {
        "type": "image",
        "image": f"data:{image.media_type};base64,{image.data}",
        "mediaType": image.media_type,
    }


def file_text(file: File) -> str:
    """A document as text, its name first.

    Raises:
        UpstreamError: it is no text (``invalid_request``).
    """
    if not file.text:
        raise unsupported("this service takes no documents but plain text")
    return f"{file.name}:\n{file.text}" if file.name else file.text


def unsupported(message: str) -> UpstreamError:
    """The failure of a request that holds what the service cannot be sent."""
    error = {"error": {"message": message, "code": "unsupported_content", "param": "messages"}}
    return UpstreamError(Failure("status", 400, body=msgspec.json.encode(error), message=message))
