"""Process APIs: business flows across backends."""
