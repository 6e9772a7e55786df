# Fails: Buckets are changed in one region only
# No aws:RequestedRegion: twins of all regions can be given tags, and lose theirs.

resource "aws_iam_role_policy" "bad" {
  name = "bad-bucket-check"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:TagResource", "s3:UntagResource"]
      Resource = "arn:aws:s3:::*-dr"
      Condition = {
        StringEquals = {
          "s3:ResourceAccount" = "111122223333"
        }
      }
    }]
  })
}
