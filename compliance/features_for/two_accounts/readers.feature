# The roles with which one account looks at the buckets of the other look, and do no more.
#
# For plans with two accounts. Of the whole root this demands nothing. It looks at roles and role policies whose names
# end in -source-reader or -twin-reader, and for who takes them at role policies whose names end in -bucket-check,
# -replication or -sweep, as the module's do. "Its Effect is Allow" takes the statements one by one.

Feature: Readers only read

  @noskip
  Scenario: A reader gets and lists
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(source|twin)-reader$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must match the "^(s3:(DescribeJob|(Get|List)[A-Za-z]+)|tag:GetResources)$" regex

  @noskip
  Scenario: A reader trusts an account and not everybody
    Given I have aws_iam_role defined
    When its name is "^.+-(source|twin)-reader$" regex
    Then it must have assume_role_policy
    And it must have principal
    And its value must match the "^arn:[a-z-]+:iam::[0-9]{12}:root$" regex

  @noskip
  Scenario: A reader trusts named roles of the account
    Given I have aws_iam_role defined
    When its name is "^.+-(source|twin)-reader$" regex
    Then it must have assume_role_policy
    And it must have statement
    When its Effect is Allow
    Then it must have ArnLike
    And it must have aws:PrincipalArn
    And its value must match the "^arn:[a-z-]+:(iam::[0-9]{12}:role/[^*?]+|sts::[0-9]{12}:assumed-role/[^*?]+/\*)$" regex

  @noskip
  Scenario: A function takes the role of a reader and no other
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(bucket-check|replication|sweep)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is sts:AssumeRole
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:iam::[0-9]{12}:role/[^*?]+-(source|twin)-reader$" regex
