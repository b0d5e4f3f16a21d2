"""The deployment graph: the trained network rebuilt for devices."""
