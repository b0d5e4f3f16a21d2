"""What is wrong with a checkpoint, before it is known which file it came from."""


class CheckpointError(Exception):
    """A file is not read, or its tensors do not make a network: one clause that says why.

    Whoever knows the file's name turns it into a `UserError`.
    """
