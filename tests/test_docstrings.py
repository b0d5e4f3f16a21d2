"""Public docstrings are complete: all arguments, results and errors, and an example.

Public names are those that a package exports. The code is parsed, not imported, without TensorFlow.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "pan_keras"
SECTION = re.compile(
    r"^(Args|Attributes|Call arguments|Input shape|Output shape|Returns|Yields|Raises|Example"
    r"|References):\n",
    re.MULTILINE,
)
ENTRY = re.compile(r"^    ((?:\*{0,2}\w+, )*\*{0,2}\w+): ?", re.MULTILINE)
SHAPE = re.compile(r"`\([^`]*\)`|\b[Tt]he same\b|shape")
# Methods whose arguments and results are those of every Keras layer and model.
OF_KERAS = {
    *("build", "call", "compute_output_shape", "compute_output_spec"),
    *("from_config", "get_config"),
}


@cache
def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def file_of(module):
    """The file that defines a module's names: for lazy packages, their stub."""
    path = ROOT.joinpath(*module.split("."))
    if not path.is_dir():
        return path.with_suffix(".py")
    stub = path / "__init__.pyi"
    return stub if stub.is_file() else path / "__init__.py"


def exports(module):
    """Names in `__all__`."""
    for node in parsed(file_of(module)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from ast.literal_eval(node.value)


def definition(module, name):
    """Module and syntax tree of the class or function with a name, if it is one."""
    file = file_of(module)
    for node in parsed(file).body if file.is_file() else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    source = f"{module}.{node.module}" if node.level else node.module
                    return None if node.module is None else definition(source, alias.name)
    return None


def public():
    """All exported classes and functions, under the module that defines them."""
    found = {}
    for file in sorted(PACKAGE.rglob("__init__.py")):
        module = ".".join(file.parent.relative_to(ROOT).parts)
        for name in exports(module):
            if (defined := definition(module, name)) is not None:
                found[f"{defined[0]}.{defined[1].name}"] = defined
    return found


PUBLIC = public()


class Docstring:
    """Sections of a Google-style docstring."""

    def __init__(self, node):
        self.text = ast.get_docstring(node) or ""
        self.summary, *parts = SECTION.split(self.text + "\n")
        self.sections = dict(zip(parts[::2], parts[1::2], strict=True))

    def entries(self, section):
        """The description of each name in a section."""
        _, *parts = ENTRY.split(self.sections.get(section, ""))
        return {
            name.strip("* "): text
            for names, text in zip(parts[::2], parts[1::2], strict=True)
            for name in names.split(",")
        }


def parameters(function):
    """Arguments without `self` and without Keras's `**kwargs`."""
    given = function.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return {
        each.arg: ast.unparse(each.annotation) if each.annotation else ""
        for each in every
        if each is not None and each.arg not in ("self", "cls", "kwargs")
    }


def fields(module, node):
    """Constructor fields of a dataclass or named tuple, including those of its bases."""
    found = {}
    for base in node.bases:
        defined = definition(module, ast.unparse(base))
        found |= fields(*defined) if defined else {}
    return found | {
        each.target.id: ast.unparse(each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and not each.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(each.annotation)
        and "init=False" not in (ast.unparse(each.value) if each.value else "")
    }


def own_nodes(function):
    """The statements and expressions of a function, without nested functions."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def raised(function):
    """Names of the errors that a function raises directly and does not catch."""
    caught = {
        id(inner)
        for node in own_nodes(function)
        if isinstance(node, ast.Try)
        for each in node.body
        for inner in ast.walk(each)
        if isinstance(inner, ast.Raise) and _catches(node, inner)
    }
    return {
        node.exc.func.id
        for node in own_nodes(function)
        if isinstance(node, ast.Raise) and _makes_error(node) and id(node) not in caught
    } - {"NotImplementedError"}


def _makes_error(node):
    call = node.exc
    return (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id[0].isupper()
    )


def _catches(attempt, node):
    handled = " ".join(ast.unparse(each.type) for each in attempt.handlers if each.type)
    return _makes_error(node) and re.search(rf"\b({node.exc.func.id}|Exception)\b", handled)


def decorators(function):
    return {ast.unparse(each).split("(")[0] for each in function.decorator_list}


def is_property(function):
    return any("property" in name for name in decorators(function))


def gives(function):
    """Whether the function returns a value."""
    if function.returns is not None:
        return ast.unparse(function.returns) not in ("None", "NoReturn")
    return any(isinstance(node, ast.Return) and node.value for node in own_nodes(function))


def is_kind_of(module, node, *kinds):
    """Whether a class derives from one of the names given, as far as the package defines it."""
    for base in node.bases:
        text = ast.unparse(base)
        if any(kind in text for kind in kinds):
            return True
        found = definition(module, text)
        if found is not None and is_kind_of(*found, *kinds):
            return True
    return False


def inherited(module, node, name):
    """Whether a base class in the package documents this method."""
    for base in node.bases:
        found = definition(module, ast.unparse(base))
        if found is not None:
            own = {each.name: each for each in methods(found[1])}
            if (name in own and ast.get_docstring(own[name])) or inherited(*found, name):
                return True
    return False


def methods(node):
    return [
        each
        for each in node.body
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
    ]


def function_faults(function, shown):
    """Faults of a function's docstring; `shown` are the examples that may use it."""
    doc = Docstring(function)
    if not doc.summary.strip():
        return ["no docstring"]
    faults = argument_faults(doc, parameters(function))
    result = doc.sections.get("Returns", doc.sections.get("Yields"))
    if gives(function) and not is_property(function):
        if result is None:
            faults.append("Returns is missing")
        elif is_array(ast.unparse(function.returns or ast.Name(""))) and not SHAPE.search(result):
            faults.append("Returns states no shape")
    faults += [f"Raises lacks {name}" for name in raised(function) - {*doc.entries("Raises")}]
    examples = doc.sections.get("Example", "") + shown
    if not is_property(function) and not re.search(rf"\b{function.name}\b", examples):
        faults.append("no example shows it")
    return faults


def is_array(annotation):
    return annotation.removesuffix(" | None") == "np.ndarray"


def argument_faults(doc, expected):
    entries = doc.entries("Args")
    faults = [f"Args lacks {name}" for name in expected if name not in entries]
    faults += [
        f"Args has {name}, which is no argument" for name in {*entries} - {*expected, "kwargs"}
    ]
    faults += [
        f"Args states no shape of {name}"
        for name, kind in expected.items()
        if is_array(kind) and name in entries and not SHAPE.search(entries[name])
    ]
    return faults


def field_faults(doc, expected):
    """Faults of a class whose fields are its arguments, listed under either heading."""
    attributes = doc.entries("Attributes")
    return argument_faults(doc, {n: k for n, k in expected.items() if n not in attributes})


def class_faults(module, node):
    """Faults in the docstrings of a class and its public methods."""
    doc = Docstring(node)
    if not doc.summary.strip():
        return ["no docstring"]
    named = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    faults = []
    if "__init__" in named:
        faults += argument_faults(doc, parameters(named["__init__"]))
    elif "dataclass" in str(decorators(node)) or is_kind_of(module, node, "NamedTuple"):
        faults += field_faults(doc, fields(module, node))
    errors = set()
    for name, function in named.items():
        if name in OF_KERAS or name in ("__init__", "__post_init__", "__call__"):
            errors |= raised(function)
    faults += [f"Raises lacks {name}" for name in errors - {*doc.entries("Raises")}]
    example = doc.sections.get("Example", "")
    if not example:
        faults.append("no Example")
    for function in methods(node):
        if function.name in OF_KERAS or inherited(module, node, function.name):
            continue
        if is_property(function) and function.name in doc.entries("Attributes"):
            continue
        faults += [f".{function.name}: {each}" for each in function_faults(function, example)]
    return faults


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_docstring_is_complete(name):
    module, node = PUBLIC[name]
    if isinstance(node, ast.ClassDef):
        assert class_faults(module, node) == []
    else:
        assert function_faults(node, "") == []


def test_the_public_names_are_found():
    expected = {
        "pan_keras.api.train",
        "pan_keras.layers.temporal_shift.TemporalShift",
        "pan_keras.models.pan_lite.PANLite",
        "pan_keras.runtime.recogniser.Recogniser",
        "pan_keras.data.opening.open_data",
    }
    assert expected <= set(PUBLIC)
