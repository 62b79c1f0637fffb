"""Models, serializers and an application for the tests of the API."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from undercroft import App, Settings, models, routers, serializers, viewsets


class Status(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


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
