"""What the handlers of the dashboard share: who may look, and what there is to see."""

from collections.abc import Callable, Mapping, Sequence
from time import time

import msgspec

from router.api.dashboard import charts, view
from router.api.dashboard.feed import Feed
from router.api.dashboard.html import Html
from router.api.dashboard.origin import is_local
from router.api.dashboard.reader import Reader, Snapshot
from router.api.dashboard.session import Sessions
from router.api.dashboard.trial import Trial


class Scene(msgspec.Struct, frozen=True):
    """Everything that changes on the page, as it is sent."""

    regions: dict[str, Html]
    charts: bytes


class Desk:
    """One per worker."""

    def __init__(
        self,
        reader: Reader,
        sessions: Sessions,
        trial: Trial,
        notices: Callable[[], Sequence[str]],
        *,
        local: bool,
    ) -> None:
        self.reader = reader
        self.sessions = sessions
        self.trial = trial
        self.feed = Feed(reader.read)
        self._notices = notices
        self._local = local
        self._drawn: tuple[Snapshot | None, tuple[str, ...], Scene] | None = None

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers may look."""
        return self.sessions.admits(headers, time())

    def is_lured(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of elsewhere may stand behind a request to a router without keys."""
        return self.sessions.open and self._local and not is_local(headers)

    def scene(self, snapshot: Snapshot | None) -> Scene:
        """The page's parts for `snapshot`: made once for all who look."""
        notices = tuple(self._notices())
        if self._drawn is not None and self._drawn[:2] == (snapshot, notices):
            return self._drawn[2]
        sums = snapshot.sums if snapshot else None
        window = (snapshot or Snapshot(at_us=0)).window
        scene = Scene(view.regions(snapshot, notices), charts.to_json(sums, window))
        self._drawn = (snapshot, notices, scene)
        return scene

    async def close(self) -> None:
        """End what runs, and give back connections."""
        await self.feed.close()
        self.reader.close()
