"""Gives every tagged S3 bucket a disaster-recovery twin in another region.

Four functions, one package. Three look after one bucket. Each is level-triggered: it is told the
name of a bucket, reads the present state from AWS, computes the state that should be, and writes
only the difference.

- ``source_bucket_check`` (source region): is the bucket tagged and fit to be protected? version it.
- ``destination_bucket_check`` (DR region): make and prepare the twin, the DR bucket.
- ``enable_replication`` (source region): put our replication rule in, beside foreign ones.

The fourth, ``sweep`` (source region), finds all buckets, and has each of them checked.
"""
