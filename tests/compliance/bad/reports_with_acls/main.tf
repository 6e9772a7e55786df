# Fails: The reports bucket knows no ACLs
# Whoever writes an object says who reads it.

resource "aws_s3_bucket_ownership_controls" "reports_bucket" {
  bucket = "bad"

  rule {
    object_ownership = "ObjectWriter"
  }
}
