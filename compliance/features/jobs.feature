# Jobs of S3 Batch Operations that s3-dr starts wait in a queue of their own, and push nobody else's aside.
#
# Of the whole root this demands nothing. It looks at roles and rules that are called as the module's are:
# least_privilege.feature and event_rules.feature say how.

Feature: Jobs wait for their turn

  @noskip
  Scenario: A job has a lower priority than others have
    Given I have aws_iam_role_policy defined
    When its name is "^.+-enable-replication$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is s3:CreateJob
    When its Effect is Allow
    Then it must have NumericLessThan
    And it must have s3:RequestJobPriority
    And its value must be 10

  @noskip
  Scenario: One rule is turned on and off
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^events:(Disable|Enable)Rule$" regex
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:rule/[^*?/]+-jobs$" regex

  @noskip
  Scenario: Of a job only the end is heard
    Given I have aws_cloudwatch_event_rule defined
    When its name is "^.+-job-events$" regex
    Then it must have event_pattern
    And it must have status
    And its value must match the "^(Cancelled|Complete|Failed|Suspended)$" regex
