# Fails: Nothing is allowed by leaving something out
# NotResource allows what nobody thought of.

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
        Effect      = "Allow"
        Action      = "sns:Publish"
        NotResource = "arn:aws:sns:us-west-2:111122223333:other"
      },
    ]
  })
}
