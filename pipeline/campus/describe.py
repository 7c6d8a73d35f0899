"""What the settings say about themselves: which keys a table of the campus file has, and which tables lie in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from pipeline.campus.settings import Campus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic.fields import FieldInfo

Model = type[BaseModel]


class Form(Enum):
    """How a key stands in the file: a plain value, a table, tables by names the campus chooses, or a list of them."""

    VALUE = auto()
    TABLE = auto()
    NAMED = auto()
    LIST = auto()


@dataclass(frozen=True)
class Key:
    """One key of a settings model.  ``models`` are the tables it may hold; none for a plain value."""

    name: str
    field: FieldInfo
    form: Form
    models: tuple[Model, ...]


def keys(model: Model) -> Mapping[str, Key]:
    """Give every key of a settings model, in the order it is written."""
    return {name: _key(name, field) for name, field in model.model_fields.items()}


def default(key: Key) -> Any:  # noqa: ANN401 - a setting may be of any type
    """Give what counts where a plain value is not said; None where that is nothing, or where it must be said."""
    value = None if key.field.is_required() else key.field.get_default(call_default_factory=True)
    return value if key.form is Form.VALUE and value not in ("", (), {}) else None


def tag(model: Model) -> str:
    """Give the one ``kind`` that a model answers to, or "" for a model that has none."""
    field = model.model_fields.get("kind")
    kinds = get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
    return str(kinds[0]) if len(kinds) == 1 else ""


def walk(place: Sequence[int | str]) -> Walk:
    """Begin at the campus and follow a place as pydantic names it."""
    step = Walk((), (Campus,))
    for part in place:
        step = step.into(part)
    return step


@dataclass(frozen=True)
class Walk:
    """A place in the file: its parts as a person writes them, and the models of the table there, if it is one."""

    parts: tuple[int | str, ...]
    models: tuple[Model, ...]
    entry: bool = False

    def into(self, part: int | str) -> Walk:
        """Take one step.  The tag of a choice between models is no key of the file, and neither is ``[key]``."""
        if part == "[key]":
            return self
        if self.entry:
            return Walk((*self.parts, part), self.models)
        if len(self.models) > 1:
            return Walk(self.parts, tuple(model for model in self.models if tag(model) == part))
        key = keys(self.models[0]).get(str(part)) if self.models else None
        models = key.models if key else ()
        return Walk((*self.parts, part), models, entry=key is not None and key.form in (Form.NAMED, Form.LIST))


def _key(name: str, field: FieldInfo) -> Key:
    origin, arguments = get_origin(field.annotation), get_args(field.annotation)
    forms = {dict: (Form.NAMED, 1), tuple: (Form.LIST, 0)}
    if origin in forms:
        form, place = forms[origin]
        models = _models(arguments[place])
    else:
        form, models = Form.TABLE, _models(field.annotation)
    return Key(name, field, form if models else Form.VALUE, models)


def _models(annotation: Any) -> tuple[Model, ...]:  # noqa: ANN401 - an annotation may be anything
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(model for one in get_args(annotation) for model in _models(one))
    return (annotation,) if isinstance(annotation, type) and issubclass(annotation, BaseModel) else ()
