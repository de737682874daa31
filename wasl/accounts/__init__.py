"""Who may act: people who sign in, their posts and roles at places, machine clients."""
