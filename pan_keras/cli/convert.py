"""`pan-keras convert`: the command line of `pan_keras.runs.from_checkpoint`."""

import json
from pathlib import Path

import click

from pan_keras.cli.options import COUNT, json_option
from pan_keras.cli.output import TensorFlowCommand, echo
from pan_keras.errors import UserError


@click.command(cls=TensorFlowCommand)
@click.argument(
    "paths", nargs=-1, required=True, metavar="CHECKPOINT...", type=click.Path(path_type=Path)
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Run folder to write.")
@click.option("--full", is_flag=True, help="Combine RGB and PA, and PAN_Lite if given.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="File with one class name per line; by default numbers.",
)
@click.option("--segments", type=COUNT, help="Segments per clip, if the checkpoint fits several.")
@click.option("--name", help="Registry name, such as pa_resnet50, if the checkpoint fits several.")
@click.option(
    "--size",
    nargs=2,
    type=COUNT,
    default=(224, 224),
    show_default=True,
    help="Height and width of a frame in pixels.",
)
@click.option(
    "--motion-encoding",
    type=click.Choice(["e1", "e2"]),
    default="e1",
    show_default=True,
    help="Encoding of PA: e1, its maps as input; e2, feature maps with PA as attention.",
)
@click.option(
    "--to-torch",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Convert a run to a state_dict instead: .pth.tar or .safetensors.",
)
@json_option
def convert(paths, output, to_torch, as_json, **options):
    """Convert a CHECKPOINT of the authors' PyTorch code to a run folder, without PyTorch.

    The network is inferred from the tensors. The file is not trusted: nothing in it is executed.
    evaluate, predict and train take the folder like one written by train.
    """
    if (output is None) == (to_torch is None):
        raise UserError("give -o RUN to convert a checkpoint, or --to-torch FILE for a run folder")
    from pan_keras.runs import from_checkpoint as conversion  # TensorFlow takes seconds to import

    if to_torch is not None:
        if len(paths) > 1:
            raise UserError(f"{paths[1]}: --to-torch takes one run folder")
        files = [str(file) for file in conversion.export_to_torch(paths[0], to_torch)]
        echo(json.dumps({"files": files}) if as_json else "\n".join(files))
        return
    record = conversion.convert_checkpoints(paths, output, **options)
    if as_json:
        echo(json.dumps(record))
        return
    for checkpoint in record["checkpoints"]:
        echo(f"{checkpoint['file']}: {checkpoint['network']}")
        for sentence in checkpoint["assumed"]:
            echo(f"  assumed: {sentence}")
    checked = record["checks"]["weights_read_back_equal"]
    echo(f"{output}: {record['model']}, {checked} tensors read back and equal to the source")
    apart = [each for each in record["checks"]["largest_logit_difference"] if each is not None]
    if apart:
        echo(f"  logits within {max(apart):.1g} of those that NumPy computes from the source")
    echo(f"next: pan-keras evaluate {output} DATA")
