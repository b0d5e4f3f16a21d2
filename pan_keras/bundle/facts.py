"""The types of `model.json`, as `bundle.schema.json` describes them.

They are those of a file that was checked against the schema. A file that was not may hold anything:
`pan_keras.bundle.reader` checks what it uses.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

Format = Literal["tflite", "onnx"]
Precision = Literal["float32", "float16", "dynamic", "int8"]


class InputFacts(TypedDict):
    """The frames of a clip, as every model takes them, and how frames of any size become such."""

    segments: int
    stack: int
    height: int
    width: int
    resize: int
    fit: Literal["crop", "letterbox", "squash"]
    resizing: Literal[1, 2]
    crop: Literal["centre"]
    channels: Literal["RGB"]
    dtype: Literal["uint8"]
    layout: Literal["FHWC"]
    normalisation: Literal["inside the model"]


class LiveFacts(TypedDict):
    """How frames of a live video become segments; counted in frames at `frame_rate`."""

    stride: float
    window_frames: float
    window_seconds: float | None
    early: float
    late: float


class SamplingFacts(TypedDict):
    """Which frames of a video a clip is made of."""

    method: Literal["middle-of-segments"]
    frame_rate: float | None
    live: LiveFacts


class TensorFacts(TypedDict):
    """An input or output of a model; a free dimension is -1."""

    name: str
    shape: list[int]
    dtype: str


class StateFacts(TensorFacts):
    """An input of a streaming model that takes what `output` gave in the call before."""

    output: str


class SignatureFacts(TypedDict):
    """What a model is called with and what it answers."""

    name: Literal["serve"]
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]


class RuntimeFacts(TypedDict):
    """Releases of TensorFlow Lite: the oldest for a file, and the oldest that was tried."""

    requires: str
    tested: str | None
    unknown_ops: list[str]


class ConversionFacts(TypedDict):
    """What made a file, its operations with their counts, and the runtime that has them."""

    converter: str
    ops: dict[str, int]
    opset: NotRequired[int]
    runtime: NotRequired[RuntimeFacts]


class QuantisationFacts(TypedDict):
    """What quantised a file, and the operations left in float with the reasons."""

    quantiser: NotRequired[str]
    calibration_clips: NotRequired[int]
    float_ops: NotRequired[dict[str, str]]


class ParityFacts(TypedDict):
    """Logits against the Keras model's, on real clips and on edge inputs."""

    clips: int
    difference: float
    edge_difference: float
    cosine: float
    agreement: float


class AccuracyFacts(TypedDict):
    """Accuracy on a split; `drop` and what follows are of exported files alone."""

    data: str
    split: str
    clips: int
    top1: float
    top5: float
    mean_class: float
    per_class: dict[str, float]
    drop: NotRequired[Mapping[str, Any]]
    agreement: NotRequired[float]
    difference: NotRequired[float]
    paired: NotRequired[Mapping[str, Any]]
    near_ties: NotRequired[Mapping[str, Any]]
    doubt: NotRequired[str]


class SpeedFacts(TypedDict):
    """Median time of a call on the machine that exported."""

    milliseconds: float
    threads: int
    machine: str


class ModelFacts(TypedDict):
    """One model file. `bytes` and `sha256` are not inside the file itself."""

    file: str
    format: Format
    precision: Precision
    streaming: bool
    bytes: NotRequired[int]
    sha256: NotRequired[str]
    signature: SignatureFacts
    states: list[StateFacts]
    conversion: ConversionFacts
    quantisation: QuantisationFacts | None
    parity: ParityFacts
    accuracy: AccuracyFacts | None
    speed: SpeedFacts


class ReferenceFacts(TypedDict):
    """The Keras model that the files are compared with."""

    accuracy: AccuracyFacts | None
    parameters: int


class DataFacts(TypedDict):
    """The data of the run: the last part of its name, no path."""

    source: str
    split_seed: int
    max_broken: float
    root: NotRequired[str]


class SourceFacts(TypedDict):
    """What was exported: names and digests."""

    run: str | None
    model: str
    model_sha256: str | None
    data: DataFacts | None
    data_digest: NotRequired[str | None]
    settings: dict[str, dict[str, Any]]


class CalibrationFacts(TypedDict):
    """The clips that int8 was calibrated with."""

    data: str
    clips: int
    videos: NotRequired[int]
    classes: NotRequired[int]
    seed: NotRequired[int]
    rule: NotRequired[str]


class ConfidenceFacts(TypedDict):
    """What `pan-keras calibrate` fitted: temperature of the softmax, threshold of "unknown"."""

    temperature: float
    threshold: float | None
    split: str
    clips: int
    error_before: float
    error_after: float
    false_alarms: float | None
    negatives: int


class LicenceFacts(TypedDict):
    """Licences of the code and of the data, and how to cite the data."""

    code: str
    data: str
    citation: str


class Facts(TypedDict):
    """All of `model.json`. `files`, the checksums, is not inside the model files."""

    schema_version: int
    name: str
    labels: list[str]
    input: InputFacts
    sampling: SamplingFacts
    artefacts: list[ModelFacts]
    reference: ReferenceFacts
    vectors: Literal["vectors/index.json"]
    source: SourceFacts
    calibration: CalibrationFacts
    confidence: NotRequired[ConfidenceFacts]
    licence: LicenceFacts
    versions: dict[str, str]
    created: str
    files: NotRequired[dict[str, str]]
