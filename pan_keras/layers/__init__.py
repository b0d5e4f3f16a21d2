"""Keras layers of the paper: PA, temporal shift, VAP and its peers."""
