# Fails: Only Lambda and S3 can take a role
# Everybody in the account can take the role.

resource "aws_iam_role" "bad" {
  name = "bad-sweep"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = "sts:AssumeRole"
    }]
  })
}
