"""The graph that is exported: the trained network, written down anew for devices."""
