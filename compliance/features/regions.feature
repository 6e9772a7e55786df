# Everything is in regions that you approve of: as it stands, in any region of AWS. Narrow the three regular
# expressions to yours, such as "^eu-(central|west)-1$".
#
# The first scenario demands of the whole root that a region written into an aws provider is one of them; a region
# that comes from a variable or a local value cannot be seen here. The others see the regions that the providers really
# have: they look at the regions in which role policies whose names end in -source-bucket-check, -enable-replication or
# -destination-bucket-check let buckets be changed, which every plan knows. "Its Effect is Allow" takes the statements
# one by one.

Feature: Regions are approved

  @noskip
  Scenario: Providers are in approved regions
    Given I have aws provider configured
    When it has region
    Then it must have region
    And its value must match the "^((var|local|module|data|each)\..+|(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso[bf]?)-[a-z]+-[0-9]+)$" regex

  @noskip
  Scenario: Sources are in an approved region
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(source-bucket-check|enable-replication)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^s3:(Create|Put).+$" regex
    Then it must have aws:RequestedRegion
    And its value must match the "^(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso[bf]?)-[a-z]+-[0-9]+$" regex

  @noskip
  Scenario: Twins are in an approved region
    Given I have aws_iam_role_policy defined
    When its name is "^.+-destination-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^s3:(Create|Delete|Put|Tag|Untag).+$" regex
    Then it must have aws:RequestedRegion
    And its value must match the "^(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso[bf]?)-[a-z]+-[0-9]+$" regex
