"""Content inside a URL: ``data:<media type>;base64,<data>`` (RFC 2397), as OpenAI's dialects carry images and files."""

from __future__ import annotations

from switchgear.conversation import Image


def split_data_url(url: str) -> tuple[str, str] | None:
    """The media type and the base64 data; ``None`` for any other URL.

    >>> split_data_url("data:image/png;base64,aGk=")
    ('image/png', 'aGk=')
    """
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head[len("data:") : -len(";base64")].partition(";")[0], data


def data_url(media_type: str, data: str) -> str:
    """The URL that carries base64 data."""
    return f"data:{media_type or 'application/octet-stream'};base64,{data}"


def image_of(url: str, detail: str | None) -> Image:
    """An image given by a URL of either kind."""
    inside = split_data_url(url)
    return Image(url=url, detail=detail) if inside is None else Image(*inside, detail=detail)


def image_url(image: Image) -> str:
    """The URL of an image, however it is held."""
    return image.url or data_url(image.media_type, image.data)
