"""A boat club: members and who brought them, boats and outings, payments, skills, staff."""

from decimal import Decimal

from undercroft import models


class Skill(models.Model):
    name = models.CharField(max_length=30)

    class Meta:
        app_label = "club"


class Member(models.Model):
    first_name = models.CharField(max_length=30)
    last_name = models.CharField(max_length=30)
    town = models.CharField(max_length=30, null=True)
    joined = models.DateField()
    sponsor = models.ForeignKey("self", models.SET_NULL, null=True, related_name="sponsored")
    skills = models.ManyToManyField(Skill, through="Certificate", related_name="members")

    class Meta:
        app_label = "club"


class Certificate(models.Model):
    member = models.ForeignKey(Member, models.CASCADE, related_name="certificates")
    skill = models.ForeignKey(Skill, models.CASCADE, related_name="certificates")
    passed = models.DateField()
    points = models.IntegerField()

    class Meta:
        app_label = "club"


class Tag(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        app_label = "club"


class Boat(models.Model):
    name = models.CharField(max_length=30, unique=True)
    kind = models.CharField(max_length=20)
    seats = models.IntegerField()
    #: For an hour; a guest's comes on top of the member's.
    member_fee = models.DecimalField(max_digits=8, decimal_places=2)
    guest_fee = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(5))
    #: For a month.
    upkeep = models.DecimalField(max_digits=8, decimal_places=2)
    tags = models.ManyToManyField(Tag, related_name="boats")

    class Meta:
        app_label = "club"


class Outing(models.Model):
    member = models.ForeignKey(Member, models.CASCADE, related_name="outings")
    boat = models.ForeignKey(Boat, models.CASCADE, related_name="outings")
    starts = models.DateTimeField()
    hours = models.IntegerField()
    guests = models.IntegerField(default=0)
    #: Whole hours behind the end; None while the boat is out.
    late = models.IntegerField(null=True)

    class Meta:
        app_label = "club"


class Payment(models.Model):
    member = models.ForeignKey(Member, models.CASCADE, related_name="payments")
    amount = models.DecimalField(max_digits=8, decimal_places=2)
    paid = models.DateField()
    method = models.CharField(max_length=10)

    class Meta:
        app_label = "club"


class Team(models.Model):
    name = models.CharField(max_length=30)

    class Meta:
        app_label = "club"


class Coach(models.Model):
    name = models.CharField(max_length=30)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="coaches")
    manager = models.ForeignKey("self", models.SET_NULL, null=True, related_name="reports")
    hired = models.DateField()

    class Meta:
        app_label = "club"


class Salary(models.Model):
    coach = models.ForeignKey(Coach, models.CASCADE, related_name="salaries")
    amount = models.IntegerField()
    since = models.DateField()

    class Meta:
        app_label = "club"
