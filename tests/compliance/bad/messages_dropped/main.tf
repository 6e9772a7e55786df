# Fails: Messages that a topic could not deliver go to a queue
# No redrive_policy: what the topic cannot deliver is gone.

resource "aws_sns_topic_subscription" "topic_02" {
  topic_arn = "arn:aws:sns:us-west-2:111122223333:bad-02"
  protocol  = "lambda"
  endpoint  = "arn:aws:lambda:us-west-2:111122223333:function:bad-enable-replication"
}
