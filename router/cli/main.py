"""`gearshift`: the command line."""

import sys

import rich_click as click

from router.cli.check import check
from router.cli.classify import classify
from router.cli.model import evaluate, models, train
from router.cli.report import report
from router.cli.route import route
from router.cli.sandbox import sandbox
from router.cli.serve import serve
from router.errors import GearshiftError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gearshift", prog_name="gearshift")
def gearshift() -> None:
    """Route each turn to the model that its difficulty needs."""


for command in (serve, sandbox, classify, route, report, train, evaluate, models, check):
    gearshift.add_command(command)


def main() -> None:
    """Run a command. What we raise on purpose is one plain line and exit code 1."""
    try:
        gearshift(prog_name="gearshift")
    except GearshiftError as error:
        click.echo(f"gearshift: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
