"""Models for the property tests of conditions: every kind of relation, with and without NULL."""

from undercroft import models


class Region(models.Model):
    name = models.CharField(max_length=10)
    size = models.IntegerField(null=True)

    class Meta:
        app_label = "island"


class Tag(models.Model):
    name = models.CharField(max_length=10)
    weight = models.IntegerField(null=True)

    class Meta:
        app_label = "island"


class City(models.Model):
    name = models.CharField(max_length=10)
    size = models.IntegerField(null=True)
    rank = models.IntegerField()
    is_open = models.BooleanField(null=True)
    region = models.ForeignKey(Region, models.CASCADE, null=True, related_name="cities")
    tags = models.ManyToManyField(Tag, related_name="cities")

    class Meta:
        app_label = "island"


class Person(models.Model):
    name = models.CharField(max_length=10)
    age = models.IntegerField(null=True)
    city = models.ForeignKey(City, models.CASCADE, related_name="people")
    mentor = models.ForeignKey("self", models.CASCADE, null=True, related_name="pupils")

    class Meta:
        app_label = "island"
