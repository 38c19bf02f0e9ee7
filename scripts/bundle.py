"""Make the libraries of the dashboard: the files of router/api/static that others wrote.

    python -m scripts.bundle          write them (needs npm, for htmx)
    python -m scripts.bundle --check  say which differ from what is pinned here

Vega comes out of vl-convert, which the locks pin; htmx and its reader of event streams out of one
pinned npm package. To update: change the version, run without --check, put in the new digests.
"""

import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "router" / "api" / "static"
HTMX: Final = "htmx.org@4.0.1"
MEMBERS: Final = {
    "htmx.min.js": "package/dist/htmx.min.js",
    "hx-sse.min.js": "package/dist/ext/hx-sse.min.js",
}
DIGESTS: Final = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
    "vega.js": "373b1f84072b31010f15ceb787be6b415c53936411aae267c8c2b2b6ccde46e7",
}
"""File → SHA-256 of its content."""
SNIPPET: Final = "window.vegaEmbed = vegaEmbed;"


def vega() -> bytes:
    """Vega, Vega-Lite and Vega-Embed in one script, which sets `vegaEmbed`."""
    import vl_convert  # noqa: PLC0415 (of the tests' set)

    return str(vl_convert.javascript_bundle(snippet=SNIPPET)).encode()


def htmx() -> dict[str, bytes]:
    """The files of htmx, as its package has them."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", HTMX]
        done = subprocess.run(  # noqa: S603  (its words are those above)
            command, cwd=folder, check=True, capture_output=True, text=True
        )
        found: dict[str, bytes] = {}
        with tarfile.open(Path(folder) / done.stdout.strip().splitlines()[-1]) as package:
            for name, member in MEMBERS.items():
                file = package.extractfile(member)
                found[name] = file.read() if file else b""
        return found


def changed() -> list[str]:
    """Names of files that are not what is pinned."""
    return [
        name
        for name, pinned in DIGESTS.items()
        if sha256((FOLDER / name).read_bytes()).hexdigest() != pinned
    ]


def main() -> None:
    """Write the files, or check them."""
    if "--check" not in sys.argv[1:]:
        for name, content in {**htmx(), "vega.js": vega()}.items():
            # A map of the source is not shipped.
            (FOLDER / name).write_bytes(content.split(b"\n//# sourceMappingURL=")[0])
            print(name, sha256((FOLDER / name).read_bytes()).hexdigest())  # noqa: T201
    if different := changed():
        sys.exit(f"not as pinned in {__file__}: {', '.join(different)}")


if __name__ == "__main__":
    main()
