# Fails: The sweep speaks on the event bus in its own name
# With any source it could start whatever listens to others.

resource "aws_iam_role_policy" "bad" {
  name = "bad-sweep"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "events:PutEvents"
      Resource  = "arn:aws:events:us-west-2:111122223333:event-bus/default"
      Condition = { Null = { "events:source" = "false" } }
    }]
  })
}
