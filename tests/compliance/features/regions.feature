# Everything is in regions that you approve of: as it stands, in any region of AWS. Narrow the three regular
# expressions to yours, such as "^eu-(central|west)-1$".
#
# The first scenario demands of the whole root that a region written into an aws provider is one of them; a region
# that comes from a variable or a local value cannot be seen here. The others look at functions whose handler
# begins with s3_dr.handlers, and see the regions that the providers really have.

Feature: Regions are approved

  @noskip
  Scenario: Providers are in approved regions
    Given I have aws provider configured
    When it has region
    Then it must have region
    And its value must match the "^((var|local|module|data|each)\..+|(af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-[a-z]+-[0-9])$" regex

  @noskip
  Scenario: Sources are in an approved region
    Given I have aws_lambda_function defined
    When its handler is "^s3_dr\.handlers\..+$" regex
    Then it must have environment
    And it must have SOURCE_REGION
    And its value must match the "^(af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-[a-z]+-[0-9]$" regex

  @noskip
  Scenario: Twins are in an approved region
    Given I have aws_lambda_function defined
    When its handler is "^s3_dr\.handlers\..+$" regex
    Then it must have environment
    And it must have DR_REGION
    And its value must match the "^(af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-[a-z]+-[0-9]$" regex
