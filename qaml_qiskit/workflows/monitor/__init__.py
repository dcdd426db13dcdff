"""`qaml monitor`: a stream of scores, watched for a lasting change."""
