"""What a subnet is to its servers: delegation, size, routes."""
