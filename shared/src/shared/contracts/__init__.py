"""Every public interface of the suite. Imports only msgspec, `binding.declare` and `binding.problems`."""
