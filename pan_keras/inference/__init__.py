"""Answers of a trained model or bundle: views of clips, files, live video."""
