# Fails: Batch Operations replicate and do nothing else
# With this role a job may tag every object, too.

resource "aws_iam_role_policy" "bad" {
  name = "bad-batch"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["s3:InitiateReplication", "s3:PutObjectTagging"]
      Resource  = "arn:aws:s3:::*/*"
      Condition = { StringEquals = { "s3:ResourceAccount" = "111122223333" } }
    }]
  })
}
