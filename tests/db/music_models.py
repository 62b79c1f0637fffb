"""Models for the tests of queries: relations of every kind, and values of every kind."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from undercroft import models
from undercroft.db.connections.transactions import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence


class Genre(models.Model):
    name = models.CharField(max_length=50, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="children"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Artist(models.Model):
    name = models.CharField(max_length=100)
    born = models.DateField(null=True)
    friends = models.ManyToManyField("self")
    influences = models.ManyToManyField("self", symmetrical=False, related_name="influenced")

    def __str__(self) -> str:
        return self.name


class AlbumQuerySet(models.QuerySet["Album"]):
    def cheap(self) -> "AlbumQuerySet":
        """The albums below ten."""
        return self.filter(price__lt=10)


class Album(models.Model):
    title = models.CharField(max_length=100)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="albums")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(10))
    rating = models.FloatField(null=True)
    released = models.DateTimeField(null=True)
    data = models.JSONField(null=True)
    genres = models.ManyToManyField(Genre, related_name="albums", blank=True)

    objects = AlbumQuerySet.as_manager()

    class Meta:
        get_latest_by = "released"

    def __str__(self) -> str:
        return self.title


class Sleeve(models.Model):
    album = models.OneToOneField(Album, on_delete=models.CASCADE, related_name="sleeve")
    text = models.TextField(default="")


class Track(models.Model):
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)
    seconds = models.IntegerField(default=180)
    plays = models.IntegerField(default=0)
    is_live = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.title


class Playlist(models.Model):
    name = models.CharField(max_length=50)
    tracks = models.ManyToManyField(Track, through="Entry", related_name="playlists")


class Entry(models.Model):
    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE)
    track = models.ForeignKey(Track, on_delete=models.CASCADE)
    position = models.IntegerField(default=0)


class Chair(models.Model):
    pk = models.CompositePrimaryKey("hall", "number")
    hall = models.CharField(max_length=20)
    number = models.IntegerField()
    holder = models.ForeignKey(Artist, on_delete=models.CASCADE, null=True)


def names(rows: Any) -> list[str]:
    """What rows are called, in their order."""
    return [str(row) for row in rows]


@atomic
def fill() -> dict[str, Any]:
    """Fill the tables with a small collection; gives rows by name."""
    rock = Genre.objects.create(name="Rock")
    punk = Genre.objects.create(name="Punk", parent=rock)
    jazz = Genre.objects.create(name="Jazz")
    ann = Artist.objects.create(name="Ann", born=dt.date(1970, 5, 17))
    bob = Artist.objects.create(name="Bob", born=dt.date(1980, 1, 1))
    cyd = Artist.objects.create(name="Çyd")
    first = _make_album(
        ann,
        "First",
        price="8.50",
        rating=4.0,
        year=2001,
        genres=(rock, punk),
        seconds=(100, 200, 300),
    )
    second = _make_album(
        ann, "Second", price="12.00", rating=None, year=2003, genres=(jazz,), seconds=(150,)
    )
    blue = _make_album(
        bob, "Blue", price="10.00", rating=3.0, year=2003, genres=(jazz, rock), seconds=(250, 50)
    )
    empty = _make_album(bob, "Empty", price="5.00", rating=2.5, year=None, genres=(), seconds=())
    Sleeve.objects.create(album=first, text="gold")
    return {
        each_name: each
        for each_name, each in locals().items()
        if not each_name.startswith("_") and each_name != "each_name"
    }


def _make_album(
    artist: Artist,
    title: str,
    *,
    price: str,
    rating: float | None,
    year: int | None,
    genres: "Sequence[Genre]",
    seconds: "Sequence[int]",
) -> Album:
    released = None if year is None else dt.datetime(year, 3, 4, 12, 30, 59, 700_000, dt.UTC)
    album = Album.objects.create(
        title=title, artist=artist, price=Decimal(price), rating=rating, released=released
    )
    album.genres.set(genres)
    for index, each in enumerate(seconds):
        Track.objects.create(
            album=album, title=f"{title} {index}", seconds=each, plays=index, is_live=index == 1
        )
    return album
