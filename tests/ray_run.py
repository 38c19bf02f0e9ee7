"""A simulation in a process of its own, on this machine or on a Ray cluster of two processors.

python tests/ray_run.py ENGINE LOGS OUT
"""

import logging
import sys
from pathlib import Path

from router.cli.simulate import simulate


def main() -> None:
    engine, logs, out = sys.argv[1:]
    if engine == "ray":
        import ray  # noqa: PLC0415 # an extra

        ray.init(
            num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
        )
    names = [str(Path(logs) / name) for name in ("conversations.jsonl", "lengths.jsonl")]
    simulate.main([*names, "--engine", engine, "--out", out, "--json"], standalone_mode=False)


if __name__ == "__main__":
    main()
