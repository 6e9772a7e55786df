# Fails: The replication role uses keys for buckets only
# No encryption context: the keys decrypt whatever they encrypted.

resource "aws_iam_role_policy" "bad" {
  name = "bad-replication"
  role = "bad"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = "arn:aws:kms:us-east-2:111122223333:key/*"
      Condition = {
        StringEquals = { "kms:ViaService" = "s3.us-east-2.amazonaws.com" }
      }
    }]
  })
}
