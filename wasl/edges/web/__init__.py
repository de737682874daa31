"""The web's edge: the shell of the pages, who asks, and how a refusal looks."""
