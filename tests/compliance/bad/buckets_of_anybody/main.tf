# Fails: Every word about a bucket has a condition
# No s3:ResourceAccount: a bucket of another account, under a name that was expected, is read too.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetBucketTagging"
      Resource = "arn:aws:s3:::*"
    }]
  })
}
