# The bucket with the reports of s3-dr is nobody else's business.
#
# Of the whole root this demands nothing. It looks at buckets, and at what is set up of them, that are in a module that
# is called reports_bucket, as the module's are. "Its Effect is Allow" takes the statements one by one.

Feature: Reports are locked away

  @noskip
  Scenario: The reports bucket is not public
    Given I have aws_s3_bucket_public_access_block defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have block_public_acls
    And its value must be true

  @noskip
  Scenario: No policy can make the reports bucket public
    Given I have aws_s3_bucket_public_access_block defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have restrict_public_buckets
    And its value must be true

  @noskip
  Scenario: The reports bucket knows no ACLs
    Given I have aws_s3_bucket_ownership_controls defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have rule
    And it must have object_ownership
    And its value must be BucketOwnerEnforced

  @noskip
  Scenario: The reports bucket refuses plain HTTP
    Given I have aws_s3_bucket_policy defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    And it must have aws:SecureTransport
    And its value must be false

  @noskip
  Scenario: Reports do not stay for ever
    Given I have aws_s3_bucket_lifecycle_configuration defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have rule
    And it must have expiration
    And it must have days
    And its value must be greater than 0
