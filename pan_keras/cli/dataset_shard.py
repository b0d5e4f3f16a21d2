"""`pan-keras dataset shard`: the command line of `pan_keras.data.shards`."""

import json
from pathlib import Path

import click

from pan_keras.cli.engine import engine_options, inspection, opened_engine
from pan_keras.cli.options import COUNT, fold_option, json_option, max_broken_option, root_option
from pan_keras.cli.output import echo, tell
from pan_keras.cli.progress import progress_bar


@click.command()
@click.argument("source")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write."
)
@root_option
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["jpeg", "h264"]),
    default="jpeg",
    show_default=True,
    help="jpeg is read fastest; h264 takes about a seventh of its space.",
)
@click.option("--quality", type=click.IntRange(1, 100), help="Quality of JPEG.  [default: 95]")
@click.option(
    "--crf",
    type=click.IntRange(0, 51),
    help="Constant rate factor of H.264, lower is better.  [default: 18]",
)
@click.option(
    "--short-side",
    type=click.IntRange(0, 8192),
    default=256,
    show_default=True,
    help="Frames with a longer shorter side are scaled to it; 0 keeps the size.",
)
@click.option(
    "--clips-per-shard",
    type=COUNT,
    default=256,
    show_default=True,
    help="Clips per file.",
)
@click.option("--workers", type=COUNT, help="Shards written at a time.  [default: processors]")
@engine_options
@fold_option
@click.option("--split-seed", default=0, show_default=True, help="Random seed of a drawn split.")
@max_broken_option
@json_option
def shard(
    source: str,
    output: Path,
    root: Path | None,
    file_format: str,
    quality: int | None,
    crf: int | None,
    short_side: int,
    workers: int | None,
    engine: str,
    address: str | None,
    as_json: bool,
    **options,
):
    """Store SOURCE as shards, which are read faster than videos at the size that training needs.

    SOURCE is a data set's name, a card, a folder or a CSV file. The shards hold every frame, scaled
    and compressed again, so pixels differ slightly from those of the videos. Interrupted, the same
    command continues. Use the folder as any other data set: pan-keras train DIR.
    """
    from pan_keras.data.shards.encoding import ShardEncoding
    from pan_keras.data.shards.manifest import describe_pixels
    from pan_keras.data.shards.sharding import shard_data

    encoding = ShardEncoding(file_format, quality, crf, short_side)  # type: ignore[arg-type]
    with (
        progress_bar(silent=as_json) as progress,
        opened_engine(engine, address, workers) as cluster,
    ):
        if cluster is not None:
            from pan_keras.cluster import ShardTasks

            options["read"] = inspection(cluster)
            options["write"] = ShardTasks(cluster, workers)
        manifest = shard_data(
            source,
            output,
            root,
            encoding=encoding,
            workers=workers,
            progress=(lambda *_: None) if progress is None else progress,
            **options,
        )
    shards = manifest.opened()
    result = {
        "folder": str(output),
        "shards": len(shards),
        "clips": sum(len(shard.clips) for shard in shards),
        "bytes": sum(shard.size for shard in shards),
        "source_bytes": sum(clip.source_bytes for shard in shards for clip in shard.clips),
        **manifest.facts,
        "warnings": list(manifest.warnings),
    }
    if as_json:
        echo(json.dumps(result, indent=1))
        return
    for warning in manifest.warnings:
        tell(f"warning: {warning}")
    echo(
        f"{output}: {result['clips']} clips in {result['shards']} shards, "
        f"{result['bytes'] / 1e6:.1f} MB ({result['bytes'] / result['source_bytes']:.1f} times the "
        f"source; {describe_pixels(manifest.preprocessing)}); train on them with: "
        f"pan-keras train {output}"
    )
