# Fails: Jobs are looked at in one account and region
# Any job of any account that lets it.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:UpdateJobStatus"
      Resource = "arn:aws:s3:*:*:job/*"
    }]
  })
}
