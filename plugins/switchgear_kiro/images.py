"""Images as the service takes them: base64, of four formats, a limited number of a limited size. Pure.

Source: the service model (formats, number) and the vendor's client (size), read 2026-11.
"""

from __future__ import annotations

import binascii

from switchgear import Image, UpstreamError
from switchgear_kiro.refusals import Reason, refused
from switchgear_kiro.request_body import ImageBlock, ImageSource

MAX_IMAGES = 10
"""In one message."""
MAX_IMAGE_BYTES = 10 * 1024 * 1024
FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}

_FORMAT: Reason = "IMAGE_FORMAT_UNSUPPORTED"
_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))


def image_block(image: Image) -> ImageBlock:
    """The image, in the format its bytes show: clients mislabel screenshots.

    Raises:
        UpstreamError: 400; it is given by its URL, or is none the service takes.
    """
    if image.url:
        raise refused(_FORMAT, "an image is given by its URL, which Kiro cannot fetch; send the image's data")
    try:
        data = binascii.a2b_base64(image.data, strict_mode=True)
    except (binascii.Error, ValueError):
        raise refused(_FORMAT, "an image is no base64") from None
    if not data:
        raise refused(_FORMAT, "an image is empty")
    if len(data) > MAX_IMAGE_BYTES:
        limit = f"{MAX_IMAGE_BYTES // 2**20} MiB"
        raise refused("IMAGE_SIZE_EXCEEDED", f"an image is larger than the {limit} that Kiro takes; send a smaller one")
    form = _shown(data) or FORMATS.get(image.media_type.lower())
    if form is None:
        given = f"an image of the type {image.media_type[:64]!r}"
        raise refused(_FORMAT, f"{given} cannot be sent to Kiro; send a PNG, JPEG, GIF or WebP")
    return ImageBlock(form, ImageSource(image.data))


def too_many_images() -> UpstreamError:
    """One message shows more images than there is room for."""
    message = f"a message shows more than the {MAX_IMAGES} images that Kiro takes; spread them over several"
    return refused("IMAGE_COUNT_EXCEEDED", message)


def _shown(data: bytes) -> str | None:
    for beginning, form in _BEGINNINGS:
        if data.startswith(beginning):
            return form
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
