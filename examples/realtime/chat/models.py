"""What is kept of a chat."""

from undercroft import models


class Message(models.Model):
    room = models.CharField(max_length=50, db_index=True)
    author = models.CharField(max_length=50)
    text = models.TextField()
    sent_at = models.DateTimeField(auto_now_add=True)
