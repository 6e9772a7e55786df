# Fails: Reports do not stay for ever
# Unfinished uploads go, and nothing else.

resource "aws_s3_bucket_lifecycle_configuration" "reports_bucket" {
  bucket = "bad"

  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
