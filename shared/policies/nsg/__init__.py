"""What the rules of an NSG let through to PostgreSQL, and what they keep from it."""
