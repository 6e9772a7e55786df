# Logs can be searched, and do not stay for ever.
#
# The first scenario demands of the whole root that every log group has a retention. The second looks at functions
# whose handler begins with s3_dr.handlers.

Feature: Logs are kept for a time

  @noskip
  Scenario: Every log group expires
    Given I have aws_cloudwatch_log_group defined
    Then it must have retention_in_days
    And its value must be greater than 0

  @noskip
  Scenario: The functions log JSON
    Given I have aws_lambda_function defined
    When its handler is "^s3_dr\.handlers\..+$" regex
    Then it must have logging_config
    And it must have log_format
    And its value must be JSON
