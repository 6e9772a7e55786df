# The trail logs what s3-dr has to hear of, and nobody else writes into its bucket.
#
# For plans in which s3-dr makes a trail: create_trail. Of the whole root this demands nothing. It looks at trails, and
# at the policies of buckets, that are called trail or reports_bucket, or are in a module that is, as the module's are.
# "Its Effect is Allow" takes the statements one by one.

Feature: A trail listens

  @noskip
  Scenario: The trail logs management events
    Given I have aws_cloudtrail defined
    When its address metadata is "^(.+\.)?trail(\[.+\])?(\..+)?$" regex
    Then it must have event_selector
    And it must have include_management_events
    And its value must be true

  @noskip
  Scenario: The trail can be checked for changes
    Given I have aws_cloudtrail defined
    When its address metadata is "^(.+\.)?trail(\[.+\])?(\..+)?$" regex
    Then it must have enable_log_file_validation
    And its value must be true

  @noskip
  Scenario: One trail writes into the reports bucket
    Given I have aws_s3_bucket_policy defined
    When its address metadata is "^(.+\.)?reports_bucket(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    Then it must have aws:SourceArn
    And its value must match the "^arn:[a-z-]+:cloudtrail:[a-z0-9-]+:[0-9]{12}:trail/[^*?]+$" regex
