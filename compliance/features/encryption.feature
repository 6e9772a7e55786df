# What waits in a topic or a queue of s3-dr is encrypted.
#
# Of the whole root this demands nothing. It looks at topics whose names end in -01 or -02 and at queues whose
# names end in -failures, as the module's do; a topic or queue of your own that is called so is looked at too.

Feature: Messages are encrypted at rest

  @noskip
  Scenario: The topics are encrypted with a KMS key
    Given I have aws_sns_topic defined
    When its name is "^.+-0[12]$" regex
    Then it must have kms_master_key_id
    And its value must not be null

  @noskip
  Scenario: The failure queues are encrypted
    Given I have aws_sqs_queue defined
    When its name is "^.+-failures$" regex
    Then it must have sqs_managed_sse_enabled
    And its value must be true
