"""The blog's JSON API, under `/api/`."""

from blog.models import Author, BlogPost
from undercroft import routers, serializers, viewsets


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["id", "name", "email"]


class BlogPostSerializer(serializers.ModelSerializer):
    author: AuthorSerializer

    class Meta:
        model = BlogPost
        fields = ["id", "title", "content", "pub_date", "author"]


class AuthorViewSet(viewsets.ModelViewSet):
    queryset = Author.objects.order_by("id")
    serializer_class = AuthorSerializer


class BlogPostViewSet(viewsets.ModelViewSet):
    queryset = BlogPost.objects.order_by("-pub_date", "-id")
    serializer_class = BlogPostSerializer


router = routers.DefaultRouter()
router.register("authors", AuthorViewSet)
router.register("posts", BlogPostViewSet)
