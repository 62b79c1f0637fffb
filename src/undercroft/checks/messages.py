"""What a check has to say, under Django's names."""

from dataclasses import dataclass

DEBUG = 10
INFO = 20
WARNING = 30
ERROR = 40
CRITICAL = 50

#: The levels by the names that people read and type.
LEVELS = {
    "debug": DEBUG,
    "info": INFO,
    "warning": WARNING,
    "error": ERROR,
    "critical": CRITICAL,
}


@dataclass(frozen=True, slots=True)
class CheckMessage:
    """One finding.

    Attributes:
        level: How serious it is; `DEBUG` to `CRITICAL`.
        msg: What is wrong.
        hint: How to mend it.
        obj: What it is about: a place, a model, the name of a setting.
        id: A stable name, `security.debug`, to silence it by.
    """

    level: int
    msg: str
    hint: str | None = None
    obj: object = None
    id: str = ""

    def is_serious(self, level: int = ERROR) -> bool:
        """Tell whether it is of this level or above."""
        return self.level >= level

    @property
    def level_name(self) -> str:
        """The highest level it reaches, by name."""
        return max(
            (level, name) for name, level in LEVELS.items() if level <= max(self.level, DEBUG)
        )[1]

    def __str__(self) -> str:
        """Write it on one line."""
        place = f"{self.obj}: " if self.obj is not None else ""
        return " ".join(filter(None, [f"{place}{self.msg}", self.hint, f"[{self.id}]"]))


class Debug(CheckMessage):
    """What only who debugs a check wants to know."""

    __slots__ = ()

    def __init__(self, msg: str, hint: str | None = None, obj: object = None, id: str = "") -> None:
        CheckMessage.__init__(self, DEBUG, msg, hint, obj, id)


class Info(CheckMessage):
    """What may be meant so."""

    __slots__ = ()

    def __init__(self, msg: str, hint: str | None = None, obj: object = None, id: str = "") -> None:
        CheckMessage.__init__(self, INFO, msg, hint, obj, id)


class Warning(CheckMessage):
    """What is probably not meant so."""

    __slots__ = ()

    def __init__(self, msg: str, hint: str | None = None, obj: object = None, id: str = "") -> None:
        CheckMessage.__init__(self, WARNING, msg, hint, obj, id)


class Error(CheckMessage):
    """What does not work, or is not safe."""

    __slots__ = ()

    def __init__(self, msg: str, hint: str | None = None, obj: object = None, id: str = "") -> None:
        CheckMessage.__init__(self, ERROR, msg, hint, obj, id)


class Critical(CheckMessage):
    """What must not go on."""

    __slots__ = ()

    def __init__(self, msg: str, hint: str | None = None, obj: object = None, id: str = "") -> None:
        CheckMessage.__init__(self, CRITICAL, msg, hint, obj, id)
