"""TFLite."""
import tempfile
import tensorflow as tf
from pan_keras.deploy.graph import ServingGraph
def traced(graph):
    module = tf.Module()
    module.serve = tf.function(lambda **inputs: graph.function(**inputs), input_signature=None)
    return module
def convert(graph: ServingGraph, configure=lambda c: None):
    module = tf.Module()
    names = list(graph.inputs)
    function = tf.function(graph.function, autograph=False)
    module.serve = function
    concrete = function.get_concrete_function(**graph.inputs)
    module.captured = list(concrete.variables)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        configure(converter)
        return converter.convert()
