# The functions of s3-dr run on a Python that Lambda supports, with time enough.
#
# Of the whole root this demands nothing. It looks at functions whose handler begins with s3_dr.handlers.

Feature: The functions can do their work

  @noskip
  Scenario: The runtime is supported
    Given I have aws_lambda_function defined
    When its handler is "^s3_dr\.handlers\..+$" regex
    Then it must have runtime
    And its value must match the "^python3\.1[2-9]$" regex

  @noskip
  Scenario: There is time to try again
    Given I have aws_lambda_function defined
    When its handler is "^s3_dr\.handlers\..+$" regex
    Then it must have timeout
    And its value must be greater than 29
