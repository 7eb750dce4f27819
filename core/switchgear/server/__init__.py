"""The HTTP server: connections become ASGI calls. Which of its two ways is taken is :mod:`switchgear.server.serving`'s.

``requests``, ``connection`` and ``exchange`` serve HTTP/1.1 on asyncio and httptools; ``stock`` is hypercorn, and
``guests`` are its connections inside our own server: HTTP/2, WebSocket and whatever else somebody wants to speak.
"""
