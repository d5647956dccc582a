"""The ``rheobase`` command. What is heavy is imported when a command needs it."""

from .app import main as main
