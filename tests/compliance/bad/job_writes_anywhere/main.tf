# Fails: Batch Operations write reports and no other objects
# With this role a job may copy objects over others.

resource "aws_iam_role_policy" "bad" {
  name = "bad-batch"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "s3:PutObject"
      Resource  = "arn:aws:s3:::reports/*"
      Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
    }]
  })
}
