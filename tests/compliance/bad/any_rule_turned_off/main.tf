# Fails: One rule is turned on and off
# Whatever the account listens for, the sweep could turn off.

resource "aws_iam_role_policy" "bad" {
  name = "bad-sweep"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["events:DisableRule", "events:EnableRule"]
      Resource = "arn:aws:events:us-west-2:111122223333:rule/*"
    }]
  })
}
