"""Configuration, training with exact resume, and the run folders that it leaves."""
