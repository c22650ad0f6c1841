"""`infra/` and `azure.yaml`, checked without Azure: parsed, evaluated, compared with the code."""
