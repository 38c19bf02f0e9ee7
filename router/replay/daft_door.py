"""The one door to Daft: the same query on this machine and on a Ray cluster.

What travels is small: names of units one way, columns without text the other. Units are read and
scored in processes of their own, because Python's threads would share one core; their results come
in the order in which the units were given, whichever is ready first.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Final, Literal, TypeAlias

from router.config.handover import share_engine
from router.replay.logged import LogError

Module: TypeAlias = Any
"""An extra's, which has no types here."""
Series: TypeAlias = Any
"""A column of the engine."""
Engine: TypeAlias = Literal["local", "ray"]
ENGINES: Final[tuple[Engine, ...]] = ("local", "ray")
_RUNNERS: Final[dict[Engine, str]] = {"local": "native", "ray": "ray"}
_EXTRA: Final = "make setup EXTRAS=sim"


def start(engine: Engine) -> None:
    """Choose where queries run; once in a process, before anything else of Daft.

    `ray` takes the cluster that RAY_ADDRESS names, else one on this machine. Raises LogError.
    """
    share_engine()
    daft = _daft()
    try:
        if engine == "ray":
            daft.set_runner_ray(noop_if_initialized=True)
        else:
            daft.set_runner_native()
    except ImportError as error:
        raise LogError(f"{error.name} is not installed: make setup EXTRAS=ray") from error
    except Exception as error:  # the engine has no one type for what it refuses
        # It is started once in a process; that it runs as it should is all that matters.
        if daft.get_or_infer_runner_type() != _RUNNERS[engine]:
            raise LogError(f"the engine cannot be started: {_last_line(error)}") from error
    daft.set_execution_config(maintain_order=True)


def run(
    make: Callable[[], Callable[[bytes], bytes]], jobs: Sequence[bytes], processes: int
) -> Iterator[bytes]:
    """What `make()(job)` gives for each of `jobs`, in order; `make` is called once a process.

    Raises LogError where the engine fails.
    """
    daft = _daft()

    @daft.cls(use_process=True, max_concurrency=processes)
    class Worker:
        def __init__(self) -> None:
            self.work = make()

        @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)  # type: ignore[untyped-decorator] # the engine's
        def run(self, job: Series) -> list[bytes]:
            return [self.work(one) for one in job.to_pylist()]

    frame = daft.from_pydict({"job": list(jobs)})
    # Locally a batch, on a cluster a partition is what one process takes at a time.
    ray = daft.get_or_infer_runner_type() == "ray"
    frame = frame.into_partitions(len(jobs)) if ray else frame.into_batches(1)
    try:
        for batch in frame.select(Worker().run(frame["job"]).alias("out")).to_arrow_iter():
            yield from batch.column(0).to_pylist()
    except Exception as error:  # the engine has no one type for what fails
        raise LogError(f"the engine failed: {_last_line(error)}") from error


def list_files(url: str) -> list[tuple[str, int]]:
    """The files that a URL, or a pattern of URLs, means, with their sizes.

    Raises LogError, which names `url` as it is: with whatever signs it.
    """
    daft = _daft()
    try:
        found = daft.from_glob_path(url).to_pydict()
    except FileNotFoundError:
        return []
    except Exception as error:  # the engine has no one type for what fails
        raise LogError(f"{url} cannot be listed: {_last_line(error)}") from error
    return sorted(zip(found["path"], (size or 0 for size in found["size"]), strict=True))


def open_url(url: str) -> IO[bytes]:
    """The bytes behind `url`, by the engine's storage access. Raises OSError."""
    file: IO[bytes] = _daft().open_file(url, "rb")
    return file


def _daft() -> Module:
    try:
        import daft  # noqa: PLC0415 # an extra
    except ImportError as error:
        raise LogError(f"{error.name} is not installed: {_EXTRA}") from error
    return daft


def _last_line(error: Exception) -> str:
    """The engine's errors are whole tracebacks; their last line says what happened."""
    return next(filter(None, reversed(str(error).strip().splitlines())), type(error).__name__)
