"""The paths of `/api/v1`, a file a subject."""
