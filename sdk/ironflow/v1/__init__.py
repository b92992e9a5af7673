"""The wire: protobuf modules generated from proto/ironflow/v1 by `make proto`."""
