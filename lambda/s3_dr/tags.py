"""The tags that are ours: the marks of a twin, and what a source bucket's own tags may change."""

from typing import Final

PREFIX: Final = "s3-dr:"

# These make a bucket a twin. Nothing else does: names can be chosen by anybody.
SOURCE_TAG: Final = "s3-dr:source-bucket"
MANAGER_TAG: Final = "s3-dr:managed-by"
CLONED_TAG: Final = "s3-dr:cloned"  # what was last written to the twin, in a few characters each
LIFE_TAG: Final = "s3-dr:life"  # when the twin was made, and since when it takes replicas again
MARKS: Final = frozenset({SOURCE_TAG, MANAGER_TAG, CLONED_TAG, LIFE_TAG})
