"""Tests of scans that read documents instead of Azure."""
