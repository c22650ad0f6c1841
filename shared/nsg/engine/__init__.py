"""The decision over packets: verdict, outcomes, fixes, and the difference of two readings."""
