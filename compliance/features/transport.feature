# Topics and queues are spoken to over TLS only.
#
# This demands of the whole root that every topic policy which the plan knows refuses requests without TLS. A policy
# that is known only after the apply, because it names a resource that does not exist yet, is passed over. Of queues
# it looks at those whose names end in -failures, as the module's do.

Feature: Messages travel encrypted

  @noskip
  Scenario: Topic policies refuse plain HTTP
    Given I have aws_sns_topic_policy defined
    When it has policy
    Then it must have policy
    And it must have statement
    And it must have aws:SecureTransport
    And its value must be false

  @noskip
  Scenario: Failure queues refuse plain HTTP
    Given I have aws_sqs_queue defined
    When its name is "^.+-failures$" regex
    Then it must have policy
    And it must have statement
    And it must have aws:SecureTransport
    And its value must be false
