"""What is asked of a checkpoint, and what the answers say."""
