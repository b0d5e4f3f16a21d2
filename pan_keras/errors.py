"""The error that a person can mend."""


class UserError(Exception):
    """Bad input: one sentence that names the file or key, what is wrong and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
