"""The debugger in the terminal: what `ironflow inspect` shows. Textual is imported here and nowhere else."""
