# The rules of s3-dr listen to what concerns it, and to nobody else's account.
#
# Of the whole root this demands nothing. It looks at rules whose names end in -s3-events, -tag-changes, -check-requests,
# -sweep or -job-events. What concerns s3-dr is tags, replication, the ends of jobs and all that a profile may have cloned.

Feature: Events are chosen with care

  @noskip
  Scenario: S3 calls are heard through CloudTrail
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-s3-events$" regex
    Then it must have event_pattern
    And it must have detail-type
    And its value must be "AWS API Call via CloudTrail"

  @noskip
  Scenario: Failed calls are not heard
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-s3-events$" regex
    Then it must have event_pattern
    And it must have errorCode
    And it must have exists
    And its value must be false

  @noskip
  Scenario: No other calls are heard
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-s3-events$" regex
    Then it must have event_pattern
    And it must have eventName
    And its value must match the "^((Create|Delete)Bucket|(Put|Delete)Bucket(((Analytics|IntelligentTiering|Inventory|Metrics)Configuration)|Cors|Encryption|Lifecycle|OwnershipControls|Policy|Replication|Tagging|Website)|PutBucket(Abac|Acl|Logging|Notification|ObjectLockConfiguration|RequestPayment|Versioning)|PutAccelerateConfiguration|(Tag|Untag)Resource)$" regex

  @noskip
  Scenario: Every way to tag a bucket is heard
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-s3-events$" regex
    Then it must have event_pattern
    And it must have eventName
    And its value must contain CreateBucket
    And its value must contain PutBucketTagging
    And its value must contain TagResource

  @noskip
  Scenario: Changes of tags are heard of buckets only
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-tag-changes$" regex
    Then it must have event_pattern
    And it must have resource-type
    And its value must be bucket

  @noskip
  Scenario: Requests and ends of jobs come from one account
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-(check-requests|job-events|sweep)$" regex
    Then it must have event_pattern
    And it must have account
    And its value must match the "^[0-9]{12}$" regex
