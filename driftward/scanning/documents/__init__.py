"""An estate that is held in documents: what `az` exports, a Terraform plan, an ARM what-if."""
