"""Writes, quantises and reads TFLite and ONNX files."""
