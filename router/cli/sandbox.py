"""`gearshift sandbox`: the sandbox upstream alone."""

import rich_click as click

from router.cli.amount import Amount
from router.sandbox.serve import base_url_of, listen, run
from router.sandbox.settings import SandboxSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8081,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=Amount(min=0.0),
    help="Factor on the speed of real models; 0 answers at once.",
)
def sandbox(host: str, port: int, speed: float) -> None:
    """Serve simulated models in OpenAI's format, with faults and quirks on request.

    \b
    Example:
      gearshift sandbox --port 8081
      curl http://127.0.0.1:8081/v1/models
    """  # noqa: D301  (click's own mark for a paragraph that must not be wrapped)
    try:
        listener = listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise click.ClickException(message) from error
    click.echo(f"simulated models at {base_url_of(listener)} (Ctrl+C stops)")
    run(SandboxSettings(speed=speed), listener)
