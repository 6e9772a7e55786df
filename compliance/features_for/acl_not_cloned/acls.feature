# Nobody can open a bucket, or an object in it, by an ACL.
#
# For plans in which no profile clones "acl". Of the whole root this demands nothing. It looks at role policies whose
# names end in -bucket-check, -replication, -sweep or -batch, as the module's do.

Feature: ACLs are left alone

  @noskip
  Scenario: No ACL can be written
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|enable-replication|replication|sweep)$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must not match the "^s3:Put(Bucket|Object|ObjectVersion)Acl$" regex
