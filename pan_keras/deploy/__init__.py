"""Trained models in the formats that devices run."""
