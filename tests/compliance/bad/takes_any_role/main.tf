# Fails: A function takes the role of a reader and no other
# sts:AssumeRole on a pattern is every role that trusts the account.

resource "aws_iam_role_policy" "bad" {
  name = "bad-source-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = "sts:AssumeRole"
      Resource = [
        "arn:aws:iam::222233334444:role/bad-twin-reader",
        "arn:aws:iam::222233334444:role/bad-*",
      ]
    }]
  })
}
