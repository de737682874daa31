"""OAuth 2.1 and SMART App Launch 2.2: who is let in by a token. django-oauth-toolkit does what it does right."""
