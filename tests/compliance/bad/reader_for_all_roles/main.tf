# Fails: A reader trusts named roles of the account
# Whoever has any role of the other account can be a reader, since the condition names whom it does not mean.

resource "aws_iam_role" "bad" {
  name = "bad-twin-reader"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "sts:AssumeRole"
      Condition = { ArnNotLike = { "aws:PrincipalArn" = "arn:aws:iam::111122223333:role/bad-source-bucket-check" } }
    }]
  })
}
