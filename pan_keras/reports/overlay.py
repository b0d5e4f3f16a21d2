"""Draws predictions and PA over videos."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pan_keras.clips.crops import resize_shorter_side
from pan_keras.clips.opencv_resizing import resize
from pan_keras.drawing import panels
from pan_keras.drawing.colours import heat, scale_of
from pan_keras.errors import UserError
from pan_keras.files import refuse_overwriting
from pan_keras.inference.classifier import Classifier
from pan_keras.inference.opening import Source, open_classifier
from pan_keras.inference.prediction import Prediction, predict, video_files
from pan_keras.inference.views import Crops, Fuse
from pan_keras.metrics.confidence import UNKNOWN
from pan_keras.reports.frame_pairs import UNKNOWN_RATE, chunks, sample_pairs
from pan_keras.video import frame_source, iterate_frames
from pan_keras.video.writer import writing_video

if TYPE_CHECKING:  # bundles are drawn without Keras
    from pan_keras.inference.motion_cue import MotionCue

SIDES = (240, 720)  # minimum and maximum shorter side of a picture in pixels
SHOWN = 3  # classes
LINE = 22  # height of a line of text in pixels
EDGE = 6  # margin around text in pixels
BARS, PERCENT, LEGEND = 60, 46, 160  # widths in pixels
STRENGTH = 0.8  # opacity of the strongest PA
SHADE = 5  # factor by which the picture is darkened under text


def predict_onto(
    model: Source,
    videos: Path | str | Sequence[Path | str],
    output: Path | str,
    *,
    top: int = 5,
    crops: Crops = "1",
    clips: int = 1,
    batch: int = 8,
    precision: str | None = None,
    file_format: str | None = None,
    fuse: Fuse = "logits",
    tell: Callable[[str], None] | None = None,
) -> Iterator[Prediction]:
    """Classifies videos like `predict`, and draws each prediction over a copy of its video.

    The prediction for the whole video is drawn on all frames; PA of each frame and the next is
    drawn as a heat map. Networks without PA, and bundles, whose model files give logits only, get
    no heat map.

    Args:
        model: A run folder, a bundle, a Keras model, or a classifier from `open_classifier`.
        videos: Video files, and folders to search.
        output: An mp4 file for one video; for several, a folder, which gets NAME.mp4 for each in
            the subfolders of the videos.
        top, crops, clips, batch, precision, file_format, fuse: As for `predict`.
        tell: Called with a sentence if PA is not available.

    Yields:
        Each prediction, once its video is drawn. Videos that cannot be read are not drawn.

    Raises:
        UserError: As for `predict`; also if `output` does not fit the number of videos, two videos
            have the same output, or an output would overwrite a video.

    Example:
        >>> next(predict_onto("runs/demo", "wave.mp4", "answer.mp4")).predictions[0]
        ('left', 0.98)
    """
    files = video_files([videos] if isinstance(videos, (str, Path)) else videos)
    places = drawings(files, Path(output))
    for place in places.values():
        refuse_overwriting(place, files)
    classifier = open_classifier(model, precision=precision, file_format=file_format, batch=batch)
    painter = Overlay(classifier)
    if not classifier.networks and tell is not None:
        tell(
            f"{classifier.path}: a bundle returns only the answer; to draw PA over the video, "
            "name the run that it was exported from"
        )
    predictions = predict(classifier, files, top=top, crops=crops, clips=clips, fuse=fuse)
    for prediction in predictions:
        if not prediction.error:
            painter.draw(prediction, places[prediction.path])
        yield prediction


def drawings(videos: Sequence[Path], output: Path) -> dict[Path, Path]:
    """Maps each video to its output path.

    Raises:
        UserError: If `output` does not fit the number of videos, or two videos have the same
            output.
    """
    named = output.suffix.lower() == ".mp4" and not output.is_dir()
    if len(videos) == 1 and named:
        return {videos[0]: output}
    if named:
        raise UserError(f"{output}: one file for {len(videos)} videos; name a folder")
    if output.suffix and not output.is_dir():
        raise UserError(f"{output}: name a file that ends in .mp4, or a folder")
    base = Path(os.path.commonpath([video.absolute().parent for video in videos]))
    places = {
        video: (output / video.absolute().relative_to(base)).with_suffix(".mp4") for video in videos
    }
    taken: dict[Path, Path] = {}
    for video, place in places.items():
        if place in taken:
            raise UserError(
                f"{video} and {taken[place]}: both would be drawn to {place}; draw one at a time"
            )
        taken[place] = video
    return places


class Overlay:
    """Draws predictions over videos.

    Args:
        classifier: The classifier that made the predictions.

    Raises:
        UserError: If its model is absent or damaged.
    """

    def __init__(self, classifier: Classifier):
        self.side = classifier.shape.resize
        self.cue = _motion_cue(classifier) if classifier.networks else None

    def draw(self, prediction: Prediction, output: Path) -> None:
        """Writes a copy of a video with the prediction and PA drawn over it.

        Args:
            prediction: The prediction.
            output: The mp4 file.

        Raises:
            UserError: If the video can no longer be read, or the disk is full.
        """
        video = prediction.path
        source = frame_source(video)
        pictures = iterate_frames(video, transform=viewable)
        if self.cue is not None and len(source) > 1:
            pictures = self._heated(self.cue, video, pictures)
        box = None
        with writing_video(output, source.rate or UNKNOWN_RATE) as write:
            for picture in pictures:
                if box is None:
                    box = answer_box(prediction, picture.shape[1])
                write(over(picture, box, picture.shape[0] - len(box)))
            if box is None:
                raise UserError(f"{video}: its frames cannot be decoded in order; draw another")

    def _heated(
        self, cue: "MotionCue", video: Path, pictures: Iterator[np.ndarray]
    ) -> Iterator[np.ndarray]:
        small = partial(resize_shorter_side, side=self.side, resize=resize)
        samples = sample_pairs(video, lambda frame: small(viewable(frame)))
        highest = scale_of(cue(np.stack(samples)))
        legend = panels.heat_legend(highest, LEGEND, "PA ")
        for chunk in chunks(pictures):
            maps = cue(np.stack([small(picture) for picture in chunk]))
            for picture, pa in zip(chunk, maps, strict=False):
                yield over(heated(picture, pa / highest), legend, 0)
        # The last frame has no successor and therefore no PA.
        yield over(chunk[-1], legend, 0)


def _motion_cue(classifier: Classifier) -> "MotionCue | None":
    from pan_keras.inference.motion_cue import MotionCue  # noqa: PLC0415 (Keras)

    return MotionCue.of_networks(classifier.networks, "learnt")


def viewable(frame: np.ndarray) -> np.ndarray:
    """Resizes a frame to a shorter side within `SIDES`, with even sides."""
    lowest, highest = SIDES
    if min(frame.shape[:2]) > highest:
        frame = resize_shorter_side(frame, highest, resize)
    frame = panels.enlarge(frame, panels.viewing_size(frame.shape[:2], lowest))
    return frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2]


def heated(picture: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Blends a map in 0 to 1 over a picture as heat; the picture shows where the map is low."""
    height, width = picture.shape[:2]
    shares = cv2.resize(np.clip(shares, 0, 1), (width, height), interpolation=cv2.INTER_LINEAR)
    hidden = STRENGTH * shares[..., None]
    return (picture * (1 - hidden) + heat(shares, 1.0) * hidden).astype(np.uint8)


def answer_box(prediction: Prediction, width: int) -> np.ndarray:
    """Draws a box with the most probable classes, bars and probabilities.

    Args:
        prediction: The prediction.
        width: Maximum width in pixels.

    Returns:
        uint8 `(h, w, 3)`.
    """
    shown = prediction.predictions[:SHOWN]
    if prediction.unknown:
        shown = ((UNKNOWN, 0.0), *shown[: SHOWN - 1])
    names = max(panels.text_width(label) for label, _ in shown)
    names = min(names, width - BARS - PERCENT - 3 * EDGE)
    box = np.zeros((LINE * len(shown) + EDGE, names + BARS + PERCENT + 3 * EDGE, 3), np.uint8)
    for line, (label, probability) in enumerate(shown):
        foot = LINE * (line + 1) - EDGE
        panels.write(box[:, : EDGE + names], label, (EDGE, foot))
        if prediction.unknown and not line:
            continue  # has no probability of its own
        left, top = names + 2 * EDGE, LINE * line + EDGE
        box[top : top + LINE - 2 * EDGE + 2, left : left + BARS] = 60
        filled = round(BARS * probability)
        box[top : top + LINE - 2 * EDGE + 2, left : left + filled] = panels.INK
        panels.write(box, f"{probability:.0%}", (left + BARS + EDGE, foot))
    return box


def over(picture: np.ndarray, box: np.ndarray, top: int) -> np.ndarray:
    """Draws a translucent box at the left edge of a picture."""
    rows, columns = slice(top, top + box.shape[0]), slice(0, box.shape[1])
    result = picture.copy()
    result[rows, columns] = np.maximum(picture[rows, columns] // SHADE, box)
    return result
