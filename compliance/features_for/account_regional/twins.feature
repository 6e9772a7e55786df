# Twins are made where nobody else can have taken their names.
#
# For plans with dr_bucket_namespace = "account-regional". Of the whole root this demands nothing. It looks at role
# policies whose names end in -bucket-check, as the module's do. "Its Effect is Allow" takes the statements one by one.

Feature: Names of twins belong to the account

  @noskip
  Scenario: Twins are made in the namespace of the account
    Given I have aws_iam_role_policy defined
    When its name is "^.+-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is s3:CreateBucket
    Then it must have StringEquals
    And it must have s3:x-amz-bucket-namespace
    And its value must be account-regional
