"""Shards: data sets as a few large files that are read at random, without decoding videos."""
