# Fails: Batch Operations replicate and do nothing else
# A job may delete, copy or tag every object, with a role that may.

resource "aws_iam_role_policy" "bad" {
  name = "bad-enable-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "s3:CreateJob"
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = "us-west-2" } }
    }]
  })
}
