"""The HTTP face: who asks, what they may, what they said, and the answer as JSON."""
