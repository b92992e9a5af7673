"""The gRPC face, and the operations on protobuf messages that Connect shares with it. No rule lives here."""
