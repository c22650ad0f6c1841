"""State on a storage account: tables, blobs and queues, and which of its failures are worth repeating."""
