"""The error for user mistakes, printed as one sentence instead of a traceback."""


class UserError(Exception):
    """Bad input: one sentence that names the file or key, what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.

    Example:
        >>> raise UserError("clips.csv, line 3: the label is empty; name the class")
        Traceback (most recent call last):
        pan_keras.errors.UserError: clips.csv, line 3: the label is empty; name the class
    """


class Interrupted(KeyboardInterrupt):
    """Stopped by a signal, with everything saved.

    Args:
        message: Where the work stands, and the command that goes on with it.
        signal: Number of the signal; the command line exits with 128 plus this.
    """

    def __init__(self, message: str, signal: int):
        super().__init__(message)
        self.signal = signal


class CheckpointError(Exception):
    """What is wrong with a checkpoint, as one clause, before it is known which file it came from.

    Whoever knows the file's name turns it into a `UserError`.
    """
