# Fails: A twin is given no tag but its marks
# Nothing is cloned, and yet a twin can be given another tag, such as one that a policy trusts.

resource "aws_iam_role_policy" "bad" {
  name = "bad-destination-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:TagResource"
      Resource = "arn:aws:s3:::*-dr"
      Condition = {
        "ForAllValues:StringEquals" = { "aws:TagKeys" = ["s3-dr:managed-by", "team"] }
        StringEquals = {
          "aws:RequestedRegion" = "us-east-2"
          "s3:ResourceAccount"  = "111122223333"
        }
      }
    }]
  })
}
