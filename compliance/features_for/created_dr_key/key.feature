# The DR key rotates, is not lost in a hurry, and is for nobody that its policy does not name.
#
# For plans in which s3-dr makes the DR key: kms.create_dr_key. Of the whole root this demands nothing. It looks at keys
# that are called dr_key, or are in a module that is, as the module's is. S3 itself encrypts reports about twins with it,
# where inventory or analytics is cloned.

Feature: The DR key is looked after

  @noskip
  Scenario: The DR key rotates
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?dr_key(\[.+\])?(\..+)?$" regex
    Then it must have enable_key_rotation
    And its value must be true

  @noskip
  Scenario: The DR key can be saved for 30 days
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?dr_key(\[.+\])?(\..+)?$" regex
    Then it must have deletion_window_in_days
    And its value must be 30

  @noskip
  Scenario: Accounts decide on the DR key and not everybody
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?dr_key(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    And it must have principal
    And its value must match the "^(arn:[a-z-]+:iam::[0-9]{12}:root|s3\.amazonaws\.com)$" regex

  @noskip
  Scenario: The DR key is used to encrypt and decrypt
    Given I have aws_kms_key defined
    When its address metadata is "^(.+\.)?dr_key(\[.+\])?(\..+)?$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must match the "^kms:(\*|Decrypt|Encrypt|GenerateDataKey)$" regex
