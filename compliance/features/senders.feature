# Nobody starts a function of s3-dr, or speaks to its topics and queues, but the one who has to.
#
# Of the whole root this demands nothing. It looks at permissions of functions whose names end in -bucket-check,
# -enable-replication or -sweep, and at what is allowed on topics whose names end in -01 or -02 and on queues whose names end
# in -failures, as the module's do.

Feature: Senders are pinned

  @noskip
  Scenario: A function is started by one rule or topic
    Given I have aws_lambda_permission defined
    When its function_name is "^.+-(bucket-check|enable-replication|sweep)$" regex
    Then it must have source_arn
    And its value must match the "^arn:[a-z-]+:(events|sns):[a-z0-9-]+:[0-9]{12}:[^*]+$" regex

  @noskip
  Scenario: Named roles publish on a topic
    Given I have aws_sns_topic_policy defined
    When it has policy
    Then it must have policy
    And it must have statement
    When its Resource is "^arn:[a-z-]+:sns:.+-0[12]$" regex
    When its Effect is Allow
    Then it must have aws:PrincipalArn
    And its value must match the "^arn:[a-z-]+:(iam::[0-9]{12}:role/[^*]+|sts::[0-9]{12}:assumed-role/[^*]+/\*)$" regex

  @noskip
  Scenario: Every other role is refused
    Given I have aws_sns_topic_policy defined
    When it has policy
    Then it must have policy
    And it must have statement
    When its Resource is "^arn:[a-z-]+:sns:.+-0[12]$" regex
    When its Effect is Deny
    When it has aws:PrincipalArn
    Then it must have aws:PrincipalArn
    And its value must match the "^arn:[a-z-]+:(iam::[0-9]{12}:role/[^*]+|sts::[0-9]{12}:assumed-role/[^*]+/\*)$" regex

  @noskip
  Scenario: Rules and topics fill a failure queue
    Given I have aws_sqs_queue defined
    When its name is "^.+-failures$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    Then it must have aws:SourceArn
    And its value must match the "^arn:[a-z-]+:(events|sns):[a-z0-9-]+:[0-9]{12}:[^*]+$" regex
