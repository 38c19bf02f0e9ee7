"""A simulation in a process of its own, on this machine or on a Ray cluster of two processors.

python tests/ray_run.py ENGINE LOGS OUT

A file OUT.up appears when the engine has answered a first question: what is slow before that is the
machine, what fails after it is ours.
"""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from router.cli.simulate import simulate
from router.replay import daft_door


def echo() -> Callable[[bytes], bytes]:
    return bytes


def main() -> None:
    engine, logs, out = sys.argv[1:]
    if engine == "ray":
        import ray  # noqa: PLC0415 # an extra

        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        daft_door.start("ray")
        assert list(daft_door.run(echo, [b"up"], 1)) == [b"up"]
        Path(f"{out}.up").touch()
    names = [str(Path(logs) / name) for name in ("conversations.jsonl", "lengths.jsonl")]
    simulate.main([*names, "--engine", engine, "--out", out, "--json"], standalone_mode=False)


if __name__ == "__main__":
    main()
