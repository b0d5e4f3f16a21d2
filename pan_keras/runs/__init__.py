"""Run folders: configuration, data identity and split, model, metrics and versions."""
