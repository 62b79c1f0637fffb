"""Flask with Flask-SQLAlchemy on an SQLite file, as somebody who knows both would set them up."""

import os
from datetime import UTC, datetime
from pathlib import Path

import _pyd
from flask import Flask, abort, jsonify, render_template, request
from flask_sqlalchemy import SQLAlchemy
from pydantic import ValidationError
from sqlalchemy import DateTime, ForeignKey, String, Text, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    content: Mapped[str] = mapped_column(Text)
    # SQLite keeps no zone: all of it is UTC.
    pub_date: Mapped[datetime] = mapped_column(
        DateTime, default=lambda: datetime.now(UTC).replace(tzinfo=None)
    )
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship()


class Fortune(Base):
    __tablename__ = "fortunes"
    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str] = mapped_column(String(500))


app = Flask(__name__, template_folder=Path(_pyd.__file__).parent / "templates")
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DSN"]
db = SQLAlchemy(model_class=Base)
db.init_app(app)


def set_up(connection, _record):
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


with app.app_context():
    event.listen(db.engine, "connect", set_up)


@app.errorhandler(ValidationError)
def invalid(error):
    return jsonify(errors=error.errors(include_context=False)), 422


def write_moment(moment):
    return moment.replace(tzinfo=UTC).isoformat()


def post_json(post):
    return {
        "id": post.id,
        "title": post.title,
        "content": post.content,
        "pub_date": write_moment(post.pub_date),
        "author": {"id": post.author.id, "name": post.author.name},
    }


@app.get("/plaintext")
def plaintext():
    return "Hello, World!", 200, {"Content-Type": "text/plain"}


@app.get("/posts")
def posts():
    page = db.paginate(select(Post).options(joinedload(Post.author)).order_by(Post.id), per_page=50)
    return jsonify(count=page.total, page=page.page, results=[post_json(p) for p in page.items])


@app.get("/posts/<int:post_id>")
def post(post_id):
    found = db.session.get(Post, post_id, options=[joinedload(Post.author)])
    return jsonify(post_json(found)) if found else abort(404)


@app.post("/posts")
def create_post():
    values = _pyd.PostIn.model_validate(request.get_json())
    new = Post(**values.model_dump())
    db.session.add(new)
    db.session.commit()
    body = {
        "id": new.id,
        "title": new.title,
        "content": new.content,
        "pub_date": write_moment(new.pub_date),
        "author_id": new.author_id,
    }
    return jsonify(body), 201


@app.get("/fortunes")
def fortunes():
    rows = db.session.scalars(select(Fortune).order_by(Fortune.id)).all()
    return render_template("fortunes.html", fortunes=rows)
