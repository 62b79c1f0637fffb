"""Work that is done after an answer has been sent, in the process that sent it."""

from undercroft.background.tasks import BackgroundTask, BackgroundTasks

__all__ = ["BackgroundTask", "BackgroundTasks"]
