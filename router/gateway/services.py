"""What the live path works with, made once by the composition root."""

from collections.abc import Callable

from msgspec import Struct

from router.config.schema import Config
from router.domain import Entry
from router.policy.table import PolicyTable
from router.ports import DecisionCache, UpstreamPort
from router.prices.book import Book
from router.prices.lengths import Lengths
from router.redaction import Redactor
from router.scorer import Scorer


class Services(Struct, frozen=True, kw_only=True):
    """Adapters and compiled configuration."""

    config: Config
    table: PolicyTable
    scorer: Scorer
    cache: DecisionCache
    upstream: UpstreamPort
    prices: Book
    lengths: Lengths
    record: Callable[[Entry], None]
    """Keeps the entry and lets it be seen; never waits, never raises."""
    redact: Redactor | None = None
    """Blanks out of a prompt what must not be kept; none where no prompt is kept."""
    secret: bytes = b""
    """Keys the digests of conversations."""
