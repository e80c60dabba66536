"""What several stages share in Spark: queries, columns, arrays."""
