# What fails in s3-dr is tried again, then kept.
#
# Of the whole root this demands nothing. It looks at what belongs to functions whose names end in -bucket-check,
# -enable-replication or -sweep, at queues whose names end in -failures, and at subscriptions that are called topic_01 or
# topic_02, or are in a module that is, as the module's are: their other attributes can be unknown in a plan.

Feature: Nothing is lost in silence

  @noskip
  Scenario: A function's failures go to a queue
    Given I have aws_lambda_function_event_invoke_config defined
    When its function_name is "^.+-(bucket-check|enable-replication|sweep)$" regex
    Then it must have destination_config
    And it must have on_failure
    And it must have destination
    And its value must match the "^arn:[a-z-]+:sqs:.+-failures$" regex

  @noskip
  Scenario: A function tries again
    Given I have aws_lambda_function_event_invoke_config defined
    When its function_name is "^.+-(bucket-check|enable-replication|sweep)$" regex
    Then it must have maximum_retry_attempts
    And its value must be greater than 0

  @noskip
  Scenario: Messages that a topic could not deliver go to a queue
    Given I have aws_sns_topic_subscription defined
    When its address metadata is "^(.+\.)?topic_0[12](\..+)?$" regex
    Then it must have redrive_policy
    And it must have deadLetterTargetArn
    And its value must match the "^arn:[a-z-]+:sqs:.+-failures$" regex

  @noskip
  Scenario: Events that a rule could not deliver go to a queue
    Given I have aws_cloudwatch_event_target defined
    When its target_id is "^.+-(bucket-check|sweep)$" regex
    Then it must have dead_letter_config
    And it must have arn
    And its value must match the "^arn:[a-z-]+:sqs:.+-failures$" regex

  @noskip
  Scenario: A rule tries again
    Given I have aws_cloudwatch_event_target defined
    When its target_id is "^.+-(bucket-check|sweep)$" regex
    Then it must have retry_policy
    And it must have maximum_retry_attempts
    And its value must be greater than 0

  @noskip
  Scenario: A failure queue keeps what it gets for two weeks
    Given I have aws_sqs_queue defined
    When its name is "^.+-failures$" regex
    Then it must have message_retention_seconds
    And its value must be 1209600
