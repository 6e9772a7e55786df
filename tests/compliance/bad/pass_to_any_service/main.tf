# Fails: Roles are passed to S3 and its Batch Operations only
# The role can be passed to any service that would take it.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "iam:PassRole"
      Resource = "arn:aws:iam::111122223333:role/bad-replication"
    }]
  })
}
