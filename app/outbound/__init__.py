"""HTTP to addresses that users give us: where it may go, and how it is spoken."""
