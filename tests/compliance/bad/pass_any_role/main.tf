# Fails: Only named roles can be passed
# Whoever may pass every role has the permissions of all.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "arn:aws:iam::111122223333:role/*"
      Condition = { StringEquals = { "iam:PassedToService" = "s3.amazonaws.com" } }
    }]
  })
}
