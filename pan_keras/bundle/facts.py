"""Types of `model.json`, as `bundle.schema.json` describes it.

They hold for a file that was validated against the schema. Any other file may contain anything, so
`pan_keras.bundle.reader` checks what it uses.
"""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

Format = Literal["tflite", "onnx"]
Precision = Literal["float32", "float16", "dynamic", "int8"]


class InputFacts(TypedDict):
    """Frames of a clip as every model takes them, and how frames of any size are fitted."""

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
    """How frames of live video are grouped into segments, counted in frames at `frame_rate`."""

    stride: float
    window_frames: float
    window_seconds: float | None
    early: float
    late: float


class SamplingFacts(TypedDict):
    """How the frames of a clip are sampled from a video."""

    method: Literal["middle-of-segments"]
    frame_rate: float | None
    live: LiveFacts


class TensorFacts(TypedDict):
    """An input or output of a model; a free dimension is -1."""

    name: str
    shape: list[int]
    dtype: str


class StateFacts(TensorFacts):
    """An input of a streaming model that takes the value of `output` from the previous call."""

    output: str


class SignatureFacts(TypedDict):
    """Inputs and outputs of a model."""

    name: Literal["serve"]
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]


class RuntimeFacts(TypedDict):
    """Releases of TensorFlow Lite: the oldest that a file needs, and the oldest tested."""

    requires: str
    tested: str | None
    unknown_ops: list[str]


class ConversionFacts(TypedDict):
    """The converter of a file, its operations with their counts, and the runtime they need."""

    converter: str
    ops: dict[str, int]
    opset: NotRequired[int]
    runtime: NotRequired[RuntimeFacts]


class QuantisationFacts(TypedDict):
    """The quantiser of a file, and the operations left in float with the reasons."""

    quantiser: NotRequired[str]
    calibration_clips: NotRequired[int]
    float_ops: NotRequired[dict[str, str]]


class ParityFacts(TypedDict):
    """Logits compared with the Keras model's, on real clips and on edge inputs."""

    clips: int
    difference: float
    edge_difference: float
    cosine: float
    agreement: float


class AccuracyFacts(TypedDict):
    """Accuracy on a split; `drop` and the keys after it exist for exported files only."""

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
    """Median time per call on the machine that exported."""

    milliseconds: float
    threads: int
    machine: str


class ModelFacts(TypedDict):
    """One model file. `bytes` and `sha256` are not embedded in the file itself."""

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
    """Data of the run: `source` is the last part of its path."""

    source: str
    split_seed: int
    max_broken: float
    fold: NotRequired[int]
    root: NotRequired[str]


class SourceFacts(TypedDict):
    """The exported run: names and digests."""

    run: str | None
    model: str
    model_sha256: str | None
    data: DataFacts | None
    data_digest: NotRequired[str | None]
    settings: dict[str, dict[str, Any]]


class CalibrationFacts(TypedDict):
    """Clips that int8 was calibrated with."""

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
    """Content of `model.json`. `files`, the checksums, is not embedded in the model files."""

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
