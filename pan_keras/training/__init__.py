"""Configuration, training with exact resume, evaluation, prediction and reports."""
