package pan.core.bundle

/**
 * A bundle or a model that cannot be used.
 *
 * @param message One sentence for the user: the file, what is wrong with it, what to do.
 */
class BundleException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
