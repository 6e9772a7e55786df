# A twin has what every twin has, and nothing else of its source.
#
# For plans in which every profile has clone = []. Of the whole root this demands nothing. It looks at role policies
# whose names end in -bucket-check, as the module's do. "Its Effect is Allow" takes the statements one by one.

Feature: Nothing is cloned

  @noskip
  Scenario: A twin is given what every twin has
    Given I have aws_iam_role_policy defined
    When its name is "^.+-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When it has action
    Then it must have action
    And its value must not match the "^s3:(Delete|Untag|Put(?!(Bucket(ObjectLockConfiguration|OwnershipControls|Policy|PublicAccessBlock|Versioning)|EncryptionConfiguration)$)).*" regex

  @noskip
  Scenario: A twin is given no tag but its marks
    Given I have aws_iam_role_policy defined
    When its name is "^.+-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is s3:TagResource
    Then it must have aws:TagKeys
    And its value must match the "^s3-dr:(life|managed-by|source-bucket)$" regex
