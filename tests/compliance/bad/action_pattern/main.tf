# Fails: Every action is spelt out
# s3:Get* grows with every action that S3 gets.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["s3:ListBucket", "s3:Get*"]
      Resource  = "arn:aws:s3:::*"
      Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
    }]
  })
}
