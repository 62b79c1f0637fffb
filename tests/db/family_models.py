"""Models for the tests of deletion: trees, diamonds, cycles, and every `on_delete`."""

from undercroft import models


class Node(models.Model):
    name = models.CharField(max_length=20)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")

    class Meta:
        app_label = "family"

    def __str__(self) -> str:
        return self.name


class Left(models.Model):
    top = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="lefts")

    class Meta:
        app_label = "family"


class Right(models.Model):
    top = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="rights")

    class Meta:
        app_label = "family"


class Bottom(models.Model):
    left = models.ForeignKey(Left, on_delete=models.CASCADE)
    right = models.ForeignKey(Right, on_delete=models.CASCADE)

    class Meta:
        app_label = "family"


class Friend(models.Model):
    node = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="friends")

    class Meta:
        app_label = "family"


class Guard(models.Model):
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="guards")

    class Meta:
        app_label = "family"


class Hen(models.Model):
    egg = models.ForeignKey("family.Egg", on_delete=models.CASCADE, null=True)

    class Meta:
        app_label = "family"


class Egg(models.Model):
    hen = models.ForeignKey(Hen, on_delete=models.CASCADE, null=True)

    class Meta:
        app_label = "family"
