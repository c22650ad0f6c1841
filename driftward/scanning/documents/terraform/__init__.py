"""A Terraform plan (`terraform show -json`) as the estate that it makes."""
