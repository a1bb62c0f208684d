"""Commands in bulk: lines of JSON, each a command, taken in their order."""
