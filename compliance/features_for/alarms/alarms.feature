# What went wrong is told.
#
# For plans with alarms: alarms.enabled, which is so unless you say otherwise. Of the whole root this demands nothing. It
# looks at alarms whose names end in -failures or -unprotected, and at metric filters whose names end in -unprotected, as
# the module's do.

Feature: Failures are told

  @noskip
  Scenario: One message in a failure queue is one too many
    Given I have aws_cloudwatch_metric_alarm defined
    When its alarm_name is "^.+-failures$" regex
    Then it must have metric_name
    And its value must be ApproximateNumberOfMessagesVisible

  @noskip
  Scenario: One failure is one too many
    Given I have aws_cloudwatch_metric_alarm defined
    When its alarm_name is "^.+-(failures|unprotected)$" regex
    Then it must have threshold
    And its value must be 0

  @noskip
  Scenario: Blocked buckets are counted
    Given I have aws_cloudwatch_log_metric_filter defined
    When its name is "^.+-unprotected$" regex
    Then it must have pattern
    And its value must match the ".*\$\.outcome = \"blocked\".*" regex
