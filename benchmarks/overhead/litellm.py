"""LiteLLM's proxy: its environment, and its configuration with and without its complexity router.

Set up in its favour: no keys, no database, no access log, prices from the package instead of the
network.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.overhead.mock import MODELS
from benchmarks.overhead.targets import Target

REQUIREMENT = "litellm[proxy]==1.106.2"

_ENV = (
    ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
    ("LITELLM_LOG", "ERROR"),
    ("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true"),
)
_TIERS = dict(zip(("SIMPLE", "MEDIUM", "COMPLEX", "REASONING"), (*MODELS, MODELS[-1]), strict=True))
_ROUTER = {
    "model_name": "auto",
    "litellm_params": {
        "model": "auto_router/complexity_router",
        "complexity_router_config": {"tiers": _TIERS},
    },
}


def prepare(venv: Path, tell: Callable[[str], None]) -> str:
    """Make `venv` where it is missing; the version of LiteLLM in it.

    Raises CalledProcessError when it cannot be installed or is broken.
    """
    python = venv / "bin" / "python"
    if not (venv / "bin" / "litellm").exists():
        tell(f"installing {REQUIREMENT} into {venv}")
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        with_uv = ("uv", "pip", "install", "--python", str(python))
        with_pip = (str(python), "-m", "pip", "install")
        install = with_uv if shutil.which("uv") else with_pip
        subprocess.run([*install, "--quiet", REQUIREMENT], check=True)
    program = "import importlib.metadata as m; print(m.version('litellm'))"
    found = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def target(name: str, upstream_port: int, folder: Path, venv: Path) -> Target:
    """The proxy of `venv`; with its complexity router when `name` says "router"."""
    api = {"api_base": f"http://127.0.0.1:{upstream_port}/v1", "api_key": "sk-none"}
    models: list[object] = [
        {"model_name": model, "litellm_params": {"model": f"openai/{model}", **api}}
        for model in MODELS
    ]
    routed = "router" in name
    if routed:
        models.append(_ROUTER)
    config = folder / f"{name}.yaml"
    config.write_text(json.dumps({"model_list": models}))  # JSON is YAML.
    return Target(
        name=name,
        command=(
            str(venv / "bin" / "litellm"),
            *("--config", str(config), "--host", "127.0.0.1", "--port", "{port}"),
            *("--num_workers", "1", "--telemetry", "False"),
        ),
        env=_ENV,
        model="auto" if routed else MODELS[0],
    )
