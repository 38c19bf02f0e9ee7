"""Where an entry goes when its request is over: into the ledger, the metrics and the log."""

from collections.abc import Callable, Container

from router.domain import Entry, ModelId
from router.ports import Ledger
from router.telemetry.log import Log, log_entry
from router.telemetry.metrics import Metrics
from router.telemetry.strangers import without_strangers


def recording(
    ledger: Ledger, metrics: Metrics, log: Log, models: Container[ModelId]
) -> Callable[[Entry], None]:
    """What keeps an entry and lets it be seen. `models` are those that metrics may name."""

    def record(entry: Entry) -> None:
        ledger.record(entry)
        metrics.observe(without_strangers(entry, models))
        log_entry(log, entry)

    return record
