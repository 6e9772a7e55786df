# Fails: Batch Operations take one role
# A job could do whatever S3 may do to copy.

resource "aws_iam_role" "bad" {
  name = "bad-replication"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["s3.amazonaws.com", "batchoperations.s3.amazonaws.com"] }
    }]
  })
}
