"""What hostile files, peers and texts must not bring about; `SECURITY.md` names these tests."""
