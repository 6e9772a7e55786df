# Fails: Nothing is allowed by leaving something out
# NotAction allows everything but one thing.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = "arn:aws:sns:us-west-2:111122223333:bad-01"
      },
      {
        Effect    = "Allow"
        NotAction = "s3:DeleteBucket"
        Resource  = "arn:aws:s3:::*"
        Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
      },
    ]
  })
}
