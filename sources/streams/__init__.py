"""How the venues' live streams are spoken: addresses, subscriptions, heartbeats, and what each frame is."""
