# Only a twin carries the mark of a twin.
#
# This demands of the whole root that no resource has the tag s3-dr:source-bucket or s3-dr:managed-by: the functions
# put them on the buckets that they make, and a bucket that got them elsewhere would be taken for a twin.

Feature: Tags do not forge a twin

  @noskip
  Scenario: No resource is marked as a twin
    Given I have resource that supports tags defined
    Then it must not have s3-dr:source-bucket
    And it must not have s3-dr:managed-by
