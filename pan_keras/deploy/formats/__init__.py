"""TFLite and ONNX files: written, quantised, read."""
