"""Models, serializers and an application for the tests of the API."""

from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from undercroft import App, Settings, models, routers, serializers, validators, viewsets
from undercroft.db.mapping import registry


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


class City(models.Model):
    name = models.CharField(max_length=50)


class Reporter(models.Model):
    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)
    city = models.ForeignKey(City, on_delete=models.PROTECT, null=True)


class Story(models.Model):
    title = models.CharField("headline", max_length=200, help_text="In one line.")
    body = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default="draft")
    made = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    reporter = models.ForeignKey(Reporter, on_delete=models.CASCADE, related_name="stories")
    editor = models.ForeignKey(Reporter, on_delete=models.SET_NULL, null=True, related_name="+")

    @property
    def shout(self) -> str:
        """What no column holds."""
        return self.title.upper()


class Everything(models.Model):
    """A column of every kind."""

    key = models.UUIDField(primary_key=True)
    flag = models.BooleanField(default=False)
    small = models.SmallIntegerField(default=0)
    number = models.IntegerField(default=0)
    big = models.BigIntegerField(default=0)
    ratio = models.FloatField(default=0.0)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("0.00"))
    day = models.DateField(null=True)
    hour = models.TimeField(null=True)
    moment = models.DateTimeField(null=True)
    data = models.JSONField(null=True)
    slug = models.SlugField(default="s")
    page = models.URLField(blank=True, default="")
    text = models.TextField(blank=True)
    count = models.PositiveSmallIntegerField(
        default=0, validators=[validators.StepValueValidator(5), validators.MaxValueValidator(500)]
    )
    length = models.DurationField(null=True)
    ip = models.GenericIPAddressField(null=True, unpack_ipv4=True)
    tone = models.EnumField(Tone, default=Tone.WARM, help_text="How it feels.")
    raw = models.BinaryField(default=b"", editable=True, max_length=20)
    code = models.CharField(
        max_length=9, default="x1", validators=[validators.RegexValidator("^[a-z][0-9]*$")]
    )
    doubled = models.GeneratedField(expression="small * 2", output_field=models.IntegerField())


class Listed(models.Model):
    """Arrays, which PostgreSQL alone has; its table is made by nobody."""

    tags = models.ArrayField(models.CharField(max_length=5), size=3, default=list)
    grid = models.ArrayField(models.ArrayField(models.DecimalField(max_digits=4, decimal_places=1)))
    tones = models.ArrayField(models.EnumField(Tone), null=True)


models.Model.metadata.remove(Listed.__table__)
registry._models.pop((Listed._meta.app_label, "Listed"))


class CitySerializer(serializers.ModelSerializer):
    class Meta:
        model = City
        fields = ["id", "name"]


class ReporterSerializer(serializers.ModelSerializer):
    city: CitySerializer | None

    class Meta:
        model = Reporter
        fields = ["id", "name", "email", "city"]


class StorySerializer(serializers.ModelSerializer):
    """Three levels deep, a nested serializer in the middle, a relation by its key at the end."""

    reporter: ReporterSerializer

    class Meta:
        model = Story
        fields = ["id", "title", "reporter", "body", "status", "made", "editor"]


class EverythingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Everything
        fields = "__all__"


class ListedSerializer(serializers.ModelSerializer):
    class Meta:
        model = Listed
        fields = "__all__"


class StoryViewSet(viewsets.ModelViewSet):
    queryset = Story.objects.order_by("-id")
    serializer_class = StorySerializer


class ReporterViewSet(viewsets.ModelViewSet):
    queryset = Reporter.objects.all()
    serializer_class = ReporterSerializer


class CityViewSet(viewsets.ModelViewSet):
    queryset = City.objects.all()
    serializer_class = CitySerializer


class EverythingViewSet(viewsets.ModelViewSet):
    queryset = Everything.objects.all()
    serializer_class = EverythingSerializer


def build_app(**registered: type[viewsets.GenericViewSet]) -> App:
    """Build an application of viewsets, by default one of each."""
    router = routers.DefaultRouter()
    chosen: dict[str, Any] = registered or {
        "stories": StoryViewSet,
        "reporters": ReporterViewSet,
        "cities": CityViewSet,
        "everything": EverythingViewSet,
    }
    for prefix, viewset in chosen.items():
        router.register(prefix, viewset)
    app = App(Settings())
    app.include(router, "/api")
    return app
