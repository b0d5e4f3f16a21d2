"""Image networks that take any number of input channels and, on request, the temporal shift."""
