"""What a case is and what may happen in it: pure decisions, no clock, no storage."""
