# Keys are used by S3, for buckets, and by nobody else who could take the replication role.
#
# For plans with a DR key: kms.create_dr_key, kms.dr_key_arn or the kms_key_arn of a profile. Of the whole root this
# demands nothing. It looks at role policies whose names end in -replication. kms:DescribeKey only reads, and needs no
# condition. The second "its Effect is Allow" ends the search by regular expressions, so that StringEquals is that
# and not StringEqualsIfExists, too.

Feature: Replicas are encrypted through S3

  @noskip
  Scenario: S3 alone uses keys with the replication role
    Given I have aws_iam_role_policy defined
    When its name is "^.+-replication$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^kms:(?!DescribeKey$)" regex
    When its Effect is Allow
    Then it must have StringEquals
    And it must have kms:ViaService
    And its value must match the "^s3\.[a-z0-9-]+\.(amazonaws\.(com(\.cn)?|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$" regex

  @noskip
  Scenario: The replication role uses keys for buckets only
    Given I have aws_iam_role_policy defined
    When its name is "^.+-replication$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^kms:(?!DescribeKey$)" regex
    When its Effect is Allow
    Then it must have StringLike
    And it must have kms:EncryptionContext:aws:s3:arn
    And its value must match the "^arn:[a-z-]+:s3:::.+$" regex
