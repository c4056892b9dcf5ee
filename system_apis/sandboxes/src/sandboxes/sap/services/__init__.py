"""The services: each module holds one service's model, and its behaviour where that is small."""
