"""The options `--engine` and `--address`: where the work of a command runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pan_keras.cli.options import COUNT
from pan_keras.errors import UserError

if TYPE_CHECKING:
    from pan_keras.cluster import Cluster, InspectionTasks


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--engine` and `--address` to a command."""
    address = click.option(
        "--address",
        metavar="HOST:PORT|auto",
        help="With --engine ray: a Ray cluster that this machine belongs to; auto is the one that "
        "runs here. By default Ray is started for the command.",
    )
    engine = click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Where the work runs: in this process, or on a Ray cluster.",
    )
    return engine(address(command))


workers_option = click.option(
    "--workers",
    type=COUNT,
    help="With --engine ray: processes that hold the model.  [default: processors]",
)


def check_engine(engine: str, address: str | None = None, workers: int | None = None) -> None:
    """Raises UserError if an option of Ray is given without it."""
    for option, value in (("--address", address), ("--workers", workers)):
        if engine == "local" and value is not None:
            raise UserError(f"{option} {value}: belongs to --engine ray; give both")


@contextmanager
def opened_engine(
    engine: str, address: str | None, processors: int | None = None
) -> Iterator["Cluster | None"]:
    """Opens the engine of a command; None for this process.

    Args:
        engine: Value of `--engine`.
        address: Value of `--address`.
        processors: Processors for a Ray that is started.

    Raises:
        UserError: If an address is given without Ray.
    """
    if engine == "local":
        check_engine(engine, address)
        yield None
        return
    from pan_keras.cluster import connect

    with connect(address, processors=processors) as cluster:
        yield cluster


def inspection(cluster: "Cluster | None") -> "InspectionTasks | None":
    """Returns what checks clips in a cluster; None for this process."""
    if cluster is None:
        return None
    from pan_keras.cluster import InspectionTasks

    return InspectionTasks(cluster)
