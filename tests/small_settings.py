"""Settings of the smallest trainings."""

SMALL = (
    "model.segments=2",
    "model.stack=2",
    "model.size=32",
    "model.resize=36",
    "training.epochs=1",
)
