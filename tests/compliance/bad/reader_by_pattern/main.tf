# Fails: Every action is spelt out
# What s3:Get* allows a reader grows with S3.

resource "aws_iam_role_policy" "bad" {
  name = "bad-source-reader"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["s3:Get*", "s3:ListBucket"]
      Resource  = "arn:aws:s3:::*"
      Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
    }]
  })
}
