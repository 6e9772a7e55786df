# Fails: Every word about a bucket has a condition
# Without a condition a reader reads the buckets of all who let it.

resource "aws_iam_role_policy" "bad" {
  name = "bad-twin-reader"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetBucketTagging", "s3:ListBucket"]
      Resource = ["arn:aws:s3:::*-dr", "arn:aws:s3:::*-copy"]
    }]
  })
}
