"""The compiled training step on several replicas of a model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from pan_keras.training.optimisation.normalisation import use_training_kernels
from pan_keras.training.optimisation.training_step import TrainingStep

SEEDS = "seed_generator_state"  # Keras's name of the state of a random generator


class ReplicatedStep:
    """Computes the gradient of a batch on the replicas of a strategy and updates the weights once.

    Each replica differentiates its own parts of the batch. The gradients are summed over the
    replicas, and the optimizer gets the sum, outside of the replicas: it clips the gradient of the
    whole batch, a scale of the loss is the same everywhere, and nothing is summed twice. Losses and
    weights are those of a `TrainingStep` that takes the same parts one after the other, up to
    rounding.

    Args:
        step: The step on one device, made with one part under the scope of the strategy, as were
            the model, the optimizer and the moving average.
        strategy: Distributes the work.
        parts: Parts of equal size that each replica takes of a batch.
        synchronised: Whether batch normalisation takes its statistics over all replicas.

    Example:
        >>> strategy = tf.distribute.MirroredStrategy()
        >>> with strategy.scope():
        ...     model = models.create("pan_lite_micro", classes=8)
        ...     optimizer = MomentumSGD(0.01)
        ...     optimizer.build(model.trainable_variables)
        ...     one = TrainingStep(model, optimizer, cross_entropy())
        >>> step = ReplicatedStep(one, strategy)
        >>> loss, correct, clips = step.launch(iter(dataset))  # takes one part per replica

    References:
        Goyal et al., "Accurate, Large Minibatch SGD", 2017 (sum over workers, then update).
    """

    def __init__(
        self,
        step: TrainingStep,
        strategy: tf.distribute.Strategy,
        *,
        parts: int = 1,
        synchronised: bool = False,
    ):
        use_training_kernels(step.model, synchronised=synchronised)
        self.step = step
        self.strategy = strategy
        self.parts = parts
        self.replicas = strategy.num_replicas_in_sync
        self._mine: list[int] = []  # the replicas of this process
        self._distribute(self._mine.append)
        self._seeds = [each for each in step.model.variables if each.name == SEEDS]
        self._whole = tf.function(self._move_by_batch)
        self._first = tf.function(self._begin)
        self._next = tf.function(self._add)
        self._move = tf.function(self._move_by_sums)

    def launch(self, batches: Iterator) -> tuple[tf.Tensor, tf.Tensor, int]:
        """Starts one step; on a GPU it may still be running on return.

        Args:
            batches: Iterator over frames and labels, one part at a time: all parts of the first
                replica of this process, then those of the next one.

        Returns:
            Mean loss and number of correct clips of the whole batch, scalars, and its number of
            clips.
        """
        mine = {
            replica: [
                (*next(batches), self.step.share(replica * self.parts + part))
                for part in range(self.parts)
            ]
            for replica in self._mine
        }
        inputs = [self._inputs(mine, part) for part in range(self.parts)]
        clips = self.replicas * sum(len(labels) for _, labels, _ in next(iter(mine.values())))
        if self.parts == 1:
            return *self._whole(*inputs[0]), clips
        sums = self._first(*inputs[0])
        for each in inputs[1:]:
            sums = self._next(sums, *each)
        return *self._move(sums), clips

    def _inputs(self, mine: Mapping[int, Sequence[Any]], part: int) -> list[Any]:
        """Frames, labels and share of mixup of one part, with a value for each replica."""

        def value_of(item: int) -> Any:
            return self._distribute(lambda replica: mine[replica][part][item])

        return [value_of(item) for item in range(3)]

    def _distribute(self, value_of: Callable[[int], Any]) -> Any:
        """Gives each replica of this process the value of its number."""
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: value_of(context.replica_id_in_sync_group)
        )

    def _move_by_batch(self, frames, labels, share):
        return self._move_by_sums(self._begin(frames, labels, share))

    def _begin(self, frames, labels, share):
        return self.strategy.run(self._differentiate_first, (frames, labels, share))

    def _add(self, sums, frames, labels, share):
        return self.strategy.run(self._differentiate_next, (sums, frames, labels, share))

    def _move_by_sums(self, sums):
        figures, gradients = self.strategy.run(self._sum_over_replicas, (sums,))
        # Every replica has the same sums.
        figures, *gradients = (
            self.strategy.experimental_local_results(each)[0] for each in (figures, *gradients)
        )
        self.step.update(gradients)
        return figures[0], tf.cast(figures[1], tf.int32)

    def _differentiate_first(self, frames, labels, share):
        self._skip_random_numbers(self._replica() * self.parts)
        return self._share_of_batch(frames, labels, share)

    def _differentiate_next(self, sums, frames, labels, share):
        return tf.nest.map_structure(tf.add, sums, self._share_of_batch(frames, labels, share))

    def _share_of_batch(self, frames, labels, share):
        """What one part adds to loss, correct clips and gradients of the batch."""
        loss, correct, gradients = self.step.differentiate(frames, labels, share)
        parts = self.replicas * self.parts
        figures = tf.stack([tf.cast(loss, "float64") / parts, tf.cast(correct, "float64")])
        return figures, [gradient / parts for gradient in gradients]

    def _sum_over_replicas(self, sums):
        self._skip_random_numbers((self.replicas - 1 - self._replica()) * self.parts)
        # Copies are on the device of the replica, which the sum needs.
        figures, gradients = tf.nest.map_structure(tf.identity, sums)
        context = tf.distribute.get_replica_context()
        return context.all_reduce("SUM", figures), context.all_reduce("SUM", gradients)

    def _skip_random_numbers(self, count):
        """Advances the generators over the parts of other replicas, whose numbers must differ."""
        for seed in self._seeds:
            skipped = tf.stack([tf.zeros((), seed.dtype), tf.cast(count, seed.dtype)])
            seed.assign(seed.value + skipped)

    def _replica(self):
        return tf.distribute.get_replica_context().replica_id_in_sync_group
