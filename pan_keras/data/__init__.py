"""From video files to batches: cards, decoding, sampling, augmentation, tf.data pipelines."""
