"""The compiled training step, with gradient accumulation and fused batch normalisation."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from pan_keras.training.optimisation.losses import Loss, Mixup, partners
from pan_keras.training.optimisation.normalisation import use_training_kernels
from pan_keras.training.optimisation.weight_average import WeightAverage


class TrainingStep:
    """Computes the gradient over the parts of a batch and updates the weights once.

    A batch in one part runs as a single compiled function. With several parts, gradients are summed
    in variables that are zero between steps, so checkpoints need not store them.

    Args:
        model: The network; its batch normalisations get TensorFlow's fused kernel.
        optimizer: Built on the model's trainable variables.
        loss: Function from labels and logits to the mean loss.
        parts: Parts of a batch, of equal size.
        mixup: Blends the clips of each part, if given.
        average: Moving average of the weights, if given.
        jit: Whether XLA compiles the step.

    Example:
        >>> step = TrainingStep(model, optimizer, cross_entropy())
        >>> loss, correct, clips = step(iter(dataset))
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: Loss,
        *,
        parts: int = 1,
        mixup: Mixup | None = None,
        average: WeightAverage | None = None,
        jit: bool = False,
    ):
        use_training_kernels(model)
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.parts = parts
        self.mixup = mixup
        self.average = average
        self.weights = model.trainable_variables
        self._sums = (
            [tf.Variable(tf.zeros_like(weight.value), trainable=False) for weight in self.weights]
            if parts > 1
            else []
        )
        compiled = {"jit_compile": jit or None}
        self._whole = tf.function(self._move_by_batch, **compiled)
        self._add = tf.function(self._add_part, **compiled)
        self._move = tf.function(self._move_by_sums, **compiled)

    def __call__(self, batches: Iterator) -> tuple[float, int, int]:
        """Takes one step and waits for it to finish; takes the arguments of `launch`.

        Returns:
            Mean loss, number of correct clips and number of clips of the batch.
        """
        loss, correct, clips = self.launch(batches)
        return float(loss), int(correct), clips

    def launch(self, batches: Iterator) -> tuple[tf.Tensor, tf.Tensor, int]:
        """Starts one step; on a GPU it may still be running on return.

        Args:
            batches: Iterator over frames and labels, one part of a batch at a time.

        Returns:
            Mean loss and number of correct clips, scalars, and the number of clips of the batch.
        """
        if self.parts == 1:
            frames, labels = next(batches)
            loss, correct = self._whole(frames, labels, self.share(0))
            return loss, correct, len(labels)
        losses, hits, clips = [], tf.zeros((), "int32"), 0
        for part in range(self.parts):
            frames, labels = next(batches)
            loss, correct = self._add(frames, labels, self.share(part))
            losses.append(tf.cast(loss, "float64"))
            hits += correct
            clips += len(labels)
        self._move()
        return tf.add_n(losses) / self.parts, hits, clips

    def differentiate(self, frames, labels, share):
        """Computes the loss, the number of correct clips and the gradient of each weight.

        A blended clip counts as correct if the class of its larger share is predicted. In half
        precision the gradients are those of the scaled loss, as the optimizer expects.
        """
        if self.mixup is not None:
            frames = self.mixup.blend(frames, share)
        with tf.GradientTape() as tape:
            logits = self.model(frames, training=True)
            loss = self.loss(labels, logits)
            if self.mixup is not None:
                # Cross-entropy is linear in the target, so blending losses equals blending targets.
                loss = share * loss + (1 - share) * self.loss(partners(labels), logits)
            scaled = self.optimizer.scale_loss(loss)
        if self.mixup is not None:
            labels = tf.where(share >= 0.5, labels, partners(labels))
        hits = tf.argmax(logits, axis=-1, output_type=labels.dtype) == labels
        correct = tf.reduce_sum(tf.cast(hits, tf.int32))
        return loss, correct, tape.gradient(scaled, self.weights)

    def share(self, part):
        """The share of mixup in a part of the next batch, a scalar; 1 without mixup."""
        if self.mixup is None:
            return tf.ones(())
        step = int(self.optimizer.iterations.numpy())
        return tf.constant(self.mixup.share(step, part), "float32")

    def _move_by_batch(self, frames, labels, share):
        loss, correct, gradients = self.differentiate(frames, labels, share)
        self.update(gradients)
        return loss, correct

    def _add_part(self, frames, labels, share):
        loss, correct, gradients = self.differentiate(frames, labels, share)
        for total, gradient in zip(self._sums, gradients, strict=True):
            total.assign_add(gradient / self.parts)
        return loss, correct

    def _move_by_sums(self):
        self.update([total.read_value() for total in self._sums])
        for total in self._sums:
            total.assign(tf.zeros_like(total))

    def update(self, gradients):
        """Updates the weights, and their moving averages, by the gradient of the batch."""
        self.optimizer.apply(gradients, self.weights)
        if self.average is not None:
            self.average.update(self.optimizer.iterations)
