"""Documents: YAML that people write (pilots, rule sets, mapping profiles), checked with the place of each mistake."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_snake

_DEEPEST = 20  # nested lists and maps
_MOST = 100_000  # values in a document
_OPENS = (
    *(yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken),
    *(yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken),
)
_CLOSES = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
Model = TypeVar("Model", bound="Document")


class Document(BaseModel):
    """A part of a document: unknown words are mistakes, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a document: line and column count from 1, `field` is a dotted path ("" for the whole)."""

    source: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}:{self.column}"
        return f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"


class DocumentError(ValueError):
    """A document can't be used; `mistakes` holds all that was found, in the order of the lines."""

    code = "document-unusable"

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=lambda mistake: (mistake.source, mistake.line, mistake.column))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True, slots=True)
class Source:
    """One YAML document as read: its values, and where each of them stands."""

    name: str
    data: Any
    text: str
    _node: yaml.Node

    def mistake(self, path: tuple[str | int, ...], message: str, *, at_word: bool = False) -> Mistake:
        """Point at `path` (keys and list positions), or at the nearest part above it that the document has.

        Args:
            path: to the value that is wrong.
            message: what is wrong with it.
            at_word: the word in front of the value is what is wrong.
        """
        node: yaml.Node = self._node
        for place, step in enumerate(path, start=1):
            found = _step(node, step)
            if found is None:
                break
            node = found[0] if at_word and place == len(path) else found[1]
        mark = node.start_mark
        return Mistake(self.name, mark.line + 1, mark.column + 1, ".".join(str(step) for step in path), message)

    def read(self, model: type[Model]) -> Model:
        """Check the document against `model`.

        Raises:
            DocumentError: with every mistake at its line and column, and what was meant where a word looks like it.
        """
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise DocumentError([self._told(model, details) for details in error.errors()]) from None

    def _told(self, model: type[BaseModel], details: Mapping[str, Any]) -> Mistake:
        path, message = details["loc"], _plain(details["msg"])
        if details["type"] == "extra_forbidden":
            word = str(path[-1])
            return self.mistake(path, f"{word} is not permitted here{meant(word, _fields(model, path))}", at_word=True)
        if details["type"] in ("enum", "literal_error"):
            message += meant(str(details["input"]), re.findall("'([^']+)'", details["ctx"]["expected"]))
        return self.mistake(path, message)


def schema_of(model: type[Document]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of document, from which an editor completes and checks."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def meant(word: str, known: Iterable[str]) -> str:
    """The known word that is most like a wrong one, to put behind a message; "" where none is."""
    found = get_close_matches(word.lower(), [str(each) for each in known], n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


def read_sources(path: Path) -> list[Source]:
    """Read every YAML document of a file (`---` stands between two).

    Raises:
        DocumentError: the file is not YAML in UTF-8, names a key twice, or holds no document.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError([Mistake(path.name, 1, 1, "", f"not UTF-8 (byte {error.start})")]) from None
    return parse_sources(text, path.name)


def parse_sources(text: str, name: str) -> list[Source]:
    """Read every YAML document of `text`; `name` stands for the file in mistakes. Raises DocumentError."""
    try:
        _refuse_depth(text, name)
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        for node in filter(None, nodes):
            _refuse_knots(node, name)
        sources = [Source(name, _construct(node), _slice(text, node), node) for node in nodes if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentError([Mistake(name, line, column, "", f"not YAML: {error.problem}")]) from None
    except yaml.YAMLError as error:
        raise DocumentError([Mistake(name, 1, 1, "", f"not YAML: {error}")]) from None
    twice = [mistake for source in sources for mistake in _named_twice(source)]
    if twice:
        raise DocumentError(twice)
    if not sources:
        raise DocumentError([Mistake(name, 1, 1, "", "empty: no document in it")])
    return sources


def _refuse_depth(text: str, name: str) -> None:
    """What is nested deeper than any document needs would exhaust the reader."""
    deep = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        deep += isinstance(token, _OPENS) - isinstance(token, _CLOSES)
        if deep > _DEEPEST:
            raise _knotted(name, token.start_mark, f"nested deeper than {_DEEPEST}")


def _refuse_knots(node: yaml.Node, name: str) -> None:
    """Anchors that name themselves have no end, and a few lines of anchors that name each other as good as none."""
    sizes: dict[int, int] = {}

    def size(of: yaml.Node) -> int:
        if isinstance(of, yaml.ScalarNode):
            return 1
        if id(of) not in sizes:
            sizes[id(of)] = _MOST + 1  # until it is known: of one that holds itself it never is
            inner = (part for each in of.value for part in (each if isinstance(each, tuple) else (each,)))
            sizes[id(of)] = 1 + sum(map(size, inner))
        return sizes[id(of)]

    if size(node) > _MOST:
        raise _knotted(name, node.start_mark, f"more than {_MOST} values, counting what anchors repeat")


def _knotted(name: str, mark: yaml.Mark, said: str) -> DocumentError:
    return DocumentError([Mistake(name, mark.line + 1, mark.column + 1, "", said)])


def read_document(path: Path, model: type[Model]) -> Model:
    """Read a file that holds exactly one document of kind `model`. Raises DocumentError."""
    sources = read_sources(path)
    if len(sources) > 1:
        raise DocumentError([sources[1].mistake((), "only one document is expected in this file")])
    return sources[0].read(model)


def _construct(node: yaml.Node) -> Any:  # noqa: ANN401 - YAML holds anything
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _slice(text: str, node: yaml.Node) -> str:
    """The document's own text, of the several that a file may hold, with its comments inside but not those above it."""
    return text[node.start_mark.index : node.end_mark.index]


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The word in front of an inner value, and the value; in a list the value is both."""
    if isinstance(node, yaml.MappingNode):
        # pydantic names the field by its alias or by the class's word; a document may use either spelling
        wanted = {str(step), to_snake(str(step))}
        return next(((key, value) for key, value in node.value if key.value in wanted), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _fields(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """The words that may stand where the last step of `path` does."""
    models = [model]
    for step in path[:-1]:
        inner = [of.model_fields[str(step)].annotation for of in models if str(step) in of.model_fields]
        # Any other step is a place in a list, a key that people choose, or pydantic's name of one of several models.
        models = [found for annotation in inner for found in _models(annotation)] or models
    return {name for of in models for name in of.model_fields}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation of a field
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _named_twice(source: Source) -> Iterator[Mistake]:
    """YAML readers keep the last of two equal keys without a word, and a threshold would silently change."""
    waiting = [source._node]  # noqa: SLF001 - same file
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.value in seen:
                    mark = key.start_mark
                    message = "this word stands twice in the same place"
                    yield Mistake(source.name, mark.line + 1, mark.column + 1, str(key.value), message)
                seen.add(key.value)
                waiting.append(value)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
