"""Objects in remote storage (`s3://`, `gs://`, `https://`), read through a cache on disk."""
