# Fails: The sweep invokes one function
# Every function of the account has more rights than this.

resource "aws_iam_role_policy" "bad" {
  name = "bad-sweep"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = "arn:aws:lambda:us-west-2:111122223333:function:*"
    }]
  })
}
