"""HTTP/1.1 to an upstream on asyncio and httptools, behind the HTTP library's transport interface.

``pool`` keeps the connections, ``connection`` speaks on one, over ``tls`` or not; ``sending`` says a request, and
``answer`` is what is heard.
"""

from switchgear.transport.answer import Answer, Fields
from switchgear.transport.pool import Origin, PooledTransport, origin_of
from switchgear.transport.sending import Defaults, length_of, start_of

__all__ = ["Answer", "Defaults", "Fields", "Origin", "PooledTransport", "length_of", "origin_of", "start_of"]
