"""`pan-keras bench`: the command line of `pan_keras.bench`."""

import click

from pan_keras.cli.bench_all import bench_all
from pan_keras.cli.bench_decode import decode
from pan_keras.cli.bench_output import keep_rounds_on_sigterm, show
from pan_keras.cli.bench_peers import peers
from pan_keras.cli.bench_train_step import train_step
from pan_keras.cli.bench_video import video
from pan_keras.cli.options import (
    COUNT,
    json_option,
    json_option_for,
    methods_option,
    segments_option,
    size_option,
    threads_option,
)
from pan_keras.cli.output import tell
from pan_keras.errors import UserError


@click.group()
@click.pass_context
def bench(context: click.Context):
    """Measure how fast models are on this machine."""
    keep_rounds_on_sigterm(context)


bench.add_command(decode)
bench.add_command(train_step)
bench.add_command(peers)
bench.add_command(video)


@bench.command("motion")
@segments_option
@click.option(
    "--stack",
    default=6,
    type=click.IntRange(min=2),
    show_default=True,
    help="Adjacent frames per segment, m.",
)
@size_option
@threads_option
@methods_option
@click.option("--target", "targets", multiple=True, help="Only this target; may be repeated.")
@click.option("--quick", is_flag=True, help="Fewer forms of PA and fewer rounds: two minutes.")
@json_option
@click.pass_context
def motion(
    context: click.Context,
    segments: int,
    stack: int,
    size: int,
    threads: int,
    methods: tuple[str, ...],
    targets: tuple[str, ...],
    quick: bool,
    as_json: bool,
):
    """Compare PA with optical flow, codec vectors and frame differences.

    All methods process the same frames, by default as many as in the paper's Tables I and II. Each
    runs in a process of its own, in interleaved rounds. Ctrl-C and SIGTERM print the results so
    far.
    """
    from pan_keras.bench.case import Work
    from pan_keras.bench.motion import measure_motion

    results = measure_motion(
        Work(segments, stack, size, size),
        threads=threads,
        methods=methods,
        targets=targets,
        quick=quick,
        progress=tell,
    )
    show(context, results, as_json)


@bench.command("model")
@click.argument("names", nargs=-1, required=True, metavar="NAME|RUN|BUNDLE...")
@click.option(
    "--segments", default=8, type=COUNT, show_default=True, help="Segments per clip, N, of a NAME."
)
@click.option(
    "--stack", default=4, type=COUNT, show_default=True, help="Frames per segment, m, of a NAME."
)
@click.option(
    "--size",
    default=224,
    type=COUNT,
    show_default=True,
    help="Height and width in pixels, of a NAME.",
)
@click.option("--batch", default=1, type=COUNT, show_default=True, help="Clips per call.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    help="Only this target: keras, litert, onnxruntime or android; may be repeated. android times "
    "a BUNDLE in the demo app on the device that adb finds.",
)
@click.option("--serial", help="Serial number of the Android device, if several are connected.")
@click.option(
    "--benchmark-binary",
    type=click.Path(dir_okay=False),
    help="TensorFlow Lite's benchmark_model for Android, to be used instead of the demo app.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    help="Only this precision: float32, float16, bfloat16, dynamic or int8; may be repeated.",
)
@click.option(
    "--streaming", is_flag=True, help="Also time a streaming step; a RUN needs a causal shift."
)
@click.option("--parts", is_flag=True, help="Also time the parts of exported TFLite models.")
@threads_option
@click.option("--quick", is_flag=True, help="Fewer rounds, and only float32 and int8.")
@json_option_for("one JSON object per model, each on a line,")
@click.pass_context
def model(
    context: click.Context,
    names: tuple[str, ...],
    serial: str | None,
    benchmark_binary: str | None,
    as_json: bool,
    **options,
):
    """Time models as trained and as exported: Keras, TFLite and ONNX in each precision.

    NAME is a registry name, such as pan_lite_mobilenetv2; RUN a run folder; BUNDLE an exported
    bundle. Preprocessing, inference and reading the outputs are timed separately; the time of a
    call is that of inference. Ctrl-C and SIGTERM print the results so far.
    """
    from pan_keras.bench.model import measure_model
    from pan_keras.bench.targets.android import measure_on_android

    if "android" not in options["targets"]:
        if serial or benchmark_binary:
            raise UserError("--serial, --benchmark-binary: need --target android")
        for name in names:
            show(context, measure_model(name, **options, progress=tell), as_json)
        return
    if len(options["targets"]) > 1 or options["parts"] or options["batch"] > 1:
        raise UserError(
            "--target android: measures one clip per call; leave out other targets, "
            "--parts and --batch"
        )
    for name in names:
        results = measure_on_android(
            name,
            serial=serial,
            binary=benchmark_binary,
            precisions=options["precisions"],
            threads=[options["threads"]],
            progress=tell,
        )
        show(context, results, as_json)


bench.add_command(bench_all)
