"""Compresses answers for clients that say they can read it (RFC 9110, section 12.5.3).

Whole answers are compressed at once, streams piece by piece, each piece flushed so that none waits
for the next. What is compressed already, or must not be, is left alone: images and archives, event
streams, answers with Content-Encoding or `Cache-Control: no-transform`, parts of a file.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from undercroft.concurrency import close_source, run_in_thread
from undercroft.http.headers import MutableHeaders
from undercroft.http.request import Request
from undercroft.http.responses import BODILESS, Pieces, Response
from undercroft.middleware.encoders import Encoder, Encoding, list_encodings
from undercroft.middleware.pipeline import Endpoint

MINIMUM_SIZE = 500

#: More bytes than this are compressed beside the loop.
_LARGE = 32 * 1024

#: A header that is longer is not worth reading.
_LONGEST_HEADER = 1000

_COMPRESSIBLE = re.compile(
    r"text/(?!event-stream)|application/(?:json|jsonl|javascript|xml|wasm|manifest\+json|rtf|[\w.-]+\+(?:json|xml))"
    r"|image/(?:svg\+xml|bmp)|font/(?:ttf|otf)",
    re.IGNORECASE,
)
_NOT_TO_CHANGE = re.compile(r"(?:^|,)\s*no-transform\s*(?:,|$)", re.IGNORECASE)
_TOKEN = re.compile(
    r"\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE
)


class Compression:
    """Compress answers: `App(middleware=[Compression()])`.

    A page that shows both a secret and what its client sent can be guessed from its compressed
    size: mask the secret, or leave such a page alone by `cache_control(no_transform=True)`.

    Args:
        minimum_size: Smaller answers are left as they are, in bytes.
        encodings: Names of encodings, the best first; left out, all that can be made here.

    Raises:
        ImproperlyConfigured: An encoding cannot be made here.
    """

    #: It waits for nothing but threads.
    needs_loop = False

    def __init__(
        self, minimum_size: int = MINIMUM_SIZE, encodings: Sequence[str] | None = None
    ) -> None:
        self._minimum_size = minimum_size
        self._encodings = list_encodings(encodings)

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, and compress what comes back."""
        response = await call_next(request)
        if response.is_deferred:
            response = await response.resolve(request)
        headers = response.headers
        if not is_compressible(response, headers):
            return response
        headers.add_vary("Accept-Encoding")
        accepted = ",".join(request.headers.getlist("accept-encoding"))
        encoding = choose_encoding(accepted, self._encodings)
        if response.status_code == 304:
            keep_weak_tag(request, headers)
        elif encoding is not None and (
            response.stream is not None or len(response.body) >= self._minimum_size
        ):
            await compress(response, headers, encoding)
        return response


def is_compressible(response: Response, headers: MutableHeaders) -> bool:
    """Tell whether an answer may be compressed, and whether that would be of use."""
    if response.status_code in BODILESS - {304} or response.status_code == 206:
        return False
    if "content-encoding" in headers or "content-range" in headers:
        return False
    if _COMPRESSIBLE.match(headers.get("content-type", "")) is None:
        return False
    return _NOT_TO_CHANGE.search(headers.get("cache-control", "")) is None


def choose_encoding(accepted: str, encodings: Sequence[Encoding]) -> Encoding | None:
    """Choose the encoding a client likes best, of equals the one that is first here.

    Args:
        accepted: The value of Accept-Encoding.
        encodings: Those that can be made, the best first.
    """
    if not accepted or len(accepted) > _LONGEST_HEADER:
        return None
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        found = _TOKEN.fullmatch(part)
        if found is not None:
            weights[found[1].lower()] = float(found[2] or 1)
    others = weights.get("*", 0.0)
    # What is not named may always be sent as it is, unless another is liked better.
    plain = weights.get("identity", 0.0)
    best: Encoding | None = None
    weight = 0.0
    for encoding in encodings:
        liked = weights.get(encoding.name, others)
        if liked > weight and liked >= plain:
            best, weight = encoding, liked
    return best


async def compress(response: Response, headers: MutableHeaders, encoding: Encoding) -> None:
    """Compress an answer, and say so."""
    if response.stream is None:
        body = response.body
        if len(body) > _LARGE:
            response.body = await run_in_thread(encoding.compress, body)
        else:
            response.body = encoding.compress(body)
        headers["content-length"] = str(len(response.body))
    else:
        source = response.stream
        response.stream = Pieces(compress_pieces(source, encoding.begin()), source)
        del headers["content-length"]
    headers["content-encoding"] = encoding.name
    # The bytes are others now: what means the same is told by a weak tag, and has other ranges.
    etag = headers.get("etag")
    if etag is not None and not etag.startswith("W/"):
        headers["etag"] = f"W/{etag}"
    del headers["accept-ranges"]


async def compress_pieces(source: AsyncIterable[bytes], encoder: Encoder) -> AsyncGenerator[bytes]:
    """Yield each piece compressed, complete by itself, and the end."""
    try:
        async for piece in source:
            if len(piece) > _LARGE:
                yield await run_in_thread(encoder.encode, piece)
            elif piece:
                yield encoder.encode(piece)
        yield encoder.finish()
    finally:
        await close_source(source)


def keep_weak_tag(request: Request, headers: MutableHeaders) -> None:
    """Name in a 304 the tag that the client's copy has, which was weak if it was compressed."""
    etag = headers.get("etag", "")
    if not etag.startswith("W/") and f"W/{etag}" in request.headers.get("if-none-match", ""):
        headers["etag"] = f"W/{etag}"
