# The other account uses a key through one service, for one purpose, as a role that is named.
#
# For plans with two accounts. Of the whole root this demands nothing. It looks at keys that are called topic_01,
# topic_02 or dr_key, or are in a module that is, and at role policies whose names end in -bucket-check, as the module's
# do. A key's own account may do kms:*, which is what leaves the key to IAM there; every other statement of its policy
# is taken for one about the other account, but for the one by which S3 itself encrypts reports about twins with the DR
# key. kms:DescribeKey only reads, and needs no condition in a role policy. "Its
# Effect is Allow" takes the statements one by one; a second one ends the search by regular expressions, so that
# StringEquals is that and not StringEqualsIfExists, too.

Feature: Keys are shared with care

  @noskip
  Scenario: The keys of the topics rotate
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?topic_0[12](\..+)?$" regex
    Then it must have enable_key_rotation
    And its value must be true

  @noskip
  Scenario: Accounts decide on the keys of the topics and not everybody
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?topic_0[12](\..+)?$" regex
    Then it must have policy
    And it must have statement
    And it must have principal
    And its value must match the "^arn:[a-z-]+:iam::[0-9]{12}:root$" regex

  @noskip
  Scenario: The keys of the topics are used to encrypt and decrypt
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?topic_0[12](\..+)?$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must match the "^kms:(\*|Decrypt|GenerateDataKey)$" regex

  @noskip
  Scenario: The other account uses a key as a named role
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?(topic_0[12]|dr_key)(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Principal is not Service
    When its Action is not kms:*
    Then it must have ArnLike
    And it must have aws:PrincipalArn
    And its value must match the "^arn:[a-z-]+:(iam::[0-9]{12}:role/[^*?]+|sts::[0-9]{12}:assumed-role/[^*?]+/\*)$" regex

  @noskip
  Scenario: The other account uses a key through a service
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?(topic_0[12]|dr_key)(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Principal is not Service
    When its Action is not kms:*
    Then it must have StringEquals
    And it must have kms:ViaService
    And its value must match the "^(s3|sns)\.[a-z0-9-]+\.(amazonaws\.(com(\.cn)?|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$" regex

  @noskip
  Scenario: The other account uses a key for twins or a topic
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?(topic_0[12]|dr_key)(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Principal is not Service
    When its Action is not "^kms:\*$" regex
    Then it must have condition
    And it must have kms:EncryptionContext:aws
    And its value must match the "^arn:[a-z-]+:(s3:::.*[^*/].*|sns:[a-z0-9-]+:[0-9]{12}:[^*?]+)$" regex

  @noskip
  Scenario: SNS alone uses keys with the role of a function
    Given I have aws_iam_role_policy defined
    When its name is "^.+-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^kms:(?!DescribeKey$)" regex
    When its Effect is Allow
    Then it must have StringEquals
    And it must have kms:ViaService
    And its value must match the "^sns\.[a-z0-9-]+\.(amazonaws\.(com(\.cn)?|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$" regex

  @noskip
  Scenario: A function uses keys for topics only
    Given I have aws_iam_role_policy defined
    When its name is "^.+-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^kms:(?!DescribeKey$)" regex
    When its Effect is Allow
    Then it must have StringEquals
    And it must have kms:EncryptionContext:aws:sns:topicArn
    And its value must match the "^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[^*?]+$" regex
