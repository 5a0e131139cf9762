"""What the README claims, measured: each module is one command that prints a Markdown table."""
