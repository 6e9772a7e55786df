# Fails: Keys are of one account in one region
# kms:DescribeKey on keys of all regions.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "kms:DescribeKey"
      Resource = "arn:aws:kms:*:111122223333:key/*"
    }]
  })
}
