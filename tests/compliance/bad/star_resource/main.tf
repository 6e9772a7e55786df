# Fails: Only what knows no resource is open on every resource
# sns:Publish on * reaches every topic.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sns:Publish"
      Resource = "*"
    }]
  })
}
