# What the roles of s3-dr may do is spelt out, pinned and never deletes a bucket or an object.
#
# Of the whole root this demands nothing. It looks at roles and role policies whose names end in -bucket-check,
# -replication, -sweep, -batch, -source-reader or -twin-reader, as the module's do; a role of your own that is called so
# is looked at too. "Its Effect is Allow" takes the statements one by one, whether they have one action and resource or many.

Feature: The roles have the least privilege

  @noskip
  Scenario: Every action is spelt out
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must not match the ".*\*.*" regex

  @noskip
  Scenario: Nothing is allowed by leaving something out
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must not have notaction
    And it must not have notresource

  @noskip
  Scenario: Nothing can be deleted but the configuration of a website
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When it has action
    Then it must have action
    And its value must not match the "^[a-z0-9-]+:Delete(?!BucketWebsite$).*" regex

  @noskip
  Scenario: Only what knows no resource is open on every resource
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Resource is "*"
    Then it must have action
    And its value must match the "^(cloudtrail:(DescribeTrails|Get(EventSelectors|TrailStatus))|cloudwatch:GetMetricData|s3:(CreateJob|List(AllMyBuckets|Jobs))|tag:GetResources)$" regex

  @noskip
  Scenario: Every word about a bucket has a condition
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Resource is "^arn:[a-z-]+:s3:::.*$" regex
    Then it must have condition
    And its value must not be null

  @noskip
  Scenario: Buckets are changed in one region only
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(bucket-check|enable-replication|sweep)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^s3:(Create|Delete|Put|Tag|Untag).+$" regex
    Then it must have aws:RequestedRegion
    And its value must match the "^[a-z]+(-[a-z]+)+-[0-9]+$" regex

  @noskip
  Scenario: Only twins are changed in the DR region
    Given I have aws_iam_role_policy defined
    When its name is "^.+-destination-bucket-check$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^s3:(Create|Delete|Put|Tag|Untag).+$" regex
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:s3:::[a-z0-9-]*\*-[a-z0-9-]+$" regex

  @noskip
  Scenario: Only named roles can be passed
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is iam:PassRole
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:iam::[0-9]{12}:role/[^*?]+$" regex

  @noskip
  Scenario: Roles are passed to S3 and its Batch Operations only
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is iam:PassRole
    Then it must have iam:PassedToService
    And its value must match the "^(batchoperations\.)?s3\.amazonaws\.com$" regex

  @noskip
  Scenario: Batch Operations replicate and do nothing else
    Given I have aws_iam_role_policy defined
    When its name is "^.+-batch$" regex
    Then it must have policy
    And it must have statement
    And it must have action
    And its value must match the "^s3:(GetReplicationConfiguration|InitiateReplication|Put(InventoryConfiguration|Object))$" regex

  @noskip
  Scenario: Batch Operations write reports and no other objects
    Given I have aws_iam_role_policy defined
    When its name is "^.+-batch$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is s3:PutObject
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:s3:::[^*?/]+/reports/\*$" regex

  @noskip
  Scenario: Batch Operations take one role
    Given I have aws_iam_role defined
    When its name is "^.+-replication$" regex
    Then it must have assume_role_policy
    And it must have principal
    And its value must match the "^(lambda|s3)\.amazonaws\.com$" regex

  @noskip
  Scenario: Jobs are looked at in one account and region
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is "^s3:(Describe|Update)Job.*$" regex
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:s3:[a-z0-9-]+:[0-9]{12}:job/.+$" regex

  @noskip
  Scenario: The sweep speaks on the event bus in its own name
    Given I have aws_iam_role_policy defined
    When its name is "^.+-sweep$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is events:PutEvents
    When its Effect is Allow
    Then it must have ForAllValues:StringEquals
    And it must have events:source
    And its value must be s3-dr

  @noskip
  Scenario: The sweep gives a name on the event bus
    Given I have aws_iam_role_policy defined
    When its name is "^.+-sweep$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is events:PutEvents
    When its Effect is Allow
    Then it must have Null
    And it must have events:source
    And its value must be false

  @noskip
  Scenario: The sweep invokes one function
    Given I have aws_iam_role_policy defined
    When its name is "^.+-sweep$" regex
    Then it must have policy
    And it must have statement
    When its Effect is Allow
    When its Action is lambda:InvokeFunction
    Then it must have resource
    And its value must match the "^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[^*?:]+-enable-replication$" regex

  @noskip
  Scenario: Keys are of one account in one region
    Given I have aws_iam_role_policy defined
    When its name is "^.+-(batch|bucket-check|replication|sweep|source-reader|twin-reader)$" regex
    Then it must have policy
    And it must have statement
    And it must have resource
    And its value must not match the "^arn:[^:]*:kms:(?![a-z0-9-]+:[0-9]{12}:(alias|key)/).*" regex

  @noskip
  Scenario: Only Lambda and S3 can take a role
    Given I have aws_iam_role defined
    When its name is "^.+-(batch|bucket-check|replication|sweep)$" regex
    Then it must have assume_role_policy
    And it must have principal
    And its value must match the "^(lambda|(batchoperations\.)?s3)\.amazonaws\.com$" regex
