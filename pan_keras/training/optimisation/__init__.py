"""Losses, optimizers, learning-rate schedules and weight averaging."""
