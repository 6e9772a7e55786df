# Fails: A reader trusts an account and not everybody
# aws:PrincipalArn alone lets in nobody else, until somebody changes it.

resource "aws_iam_role" "bad" {
  name = "bad-source-reader"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "sts:AssumeRole"
      Condition = { ArnLike = { "aws:PrincipalArn" = "arn:aws:iam::222233334444:role/bad-destination-bucket-check" } }
    }]
  })
}
