"""Video classifiers built from the layers and backbones, and their registry of names."""
