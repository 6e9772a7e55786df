# Fails: The sweep gives a name on the event bus
# All of no sources are s3-dr, too.

resource "aws_iam_role_policy" "bad" {
  name = "bad-sweep"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "events:PutEvents"
      Resource  = "arn:aws:events:us-west-2:111122223333:event-bus/default"
      Condition = { "ForAllValues:StringEquals" = { "events:source" = "s3-dr" } }
    }]
  })
}
