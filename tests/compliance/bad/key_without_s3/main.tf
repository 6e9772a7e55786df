# Fails: S3 alone uses keys with the replication role
# IfExists: a request that comes through no service is let in, too.

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
        StringEqualsIfExists = { "kms:ViaService" = "s3.us-east-2.amazonaws.com" }
        StringLike           = { "kms:EncryptionContext:aws:s3:arn" = "arn:aws:s3:::*-dr/*" }
      }
    }]
  })
}
