"""Events: emitting them, reading them back."""
