"""Checks exported models against the trained model before anything is written."""
