"""The error for user mistakes, printed as one sentence instead of a traceback."""


class UserError(Exception):
    """A user error: one sentence with the file or key, what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.

    Example:
        >>> raise UserError("clips.csv, line 3: the label is empty; name the class")
        Traceback (most recent call last):
        pan_keras.errors.UserError: clips.csv, line 3: the label is empty; name the class
    """


class Interrupted(KeyboardInterrupt):
    """Raised after a signal stopped the work and its state was saved.

    Args:
        message: The progress so far, and the command that continues the work.
        signal: Number of the signal; the command line exits with 128 plus this.
    """

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal


class CheckpointError(Exception):
    """A fault in a checkpoint, as a clause, raised where the name of its file is not known.

    Callers that know the file turn it into a `UserError`.
    """
