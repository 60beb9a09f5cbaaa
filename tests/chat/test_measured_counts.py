"""Counts that users of OpenAI's API measured and published: messages, tools, and calls.

Sources, of which only the requests and their counts are taken: OpenAI's cookbook; the tests of
openai-chat-tokens (hmarr, and its fork by CodeRabbit), measured with gpt-3.5-turbo in 2023; the
tests of openai-messages-token-helper, measured in 2024; OpenAI's forum, topics 538914 and 1375117;
issues 4 and 5 of openai-java (forestwanglin).
"""

from __future__ import annotations

from typing import Any

import pytest

from bpecore.chat import num_tokens_from_messages

OLD = "gpt-3.5-turbo"
NEW = "gpt-35-turbo"  # as Azure writes it; what it names is newer than what `OLD` named then


def says(role: str, content: str, name: str | None = None) -> dict[str, Any]:
    message = {"role": role, "content": content}
    return message if name is None else {**message, "name": name}


def function(
    name: str, description: str | None = None, required: Any = None, **properties: Any
) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    if required is not None:
        parameters["required"] = required
    tool = {"name": name, "parameters": parameters}
    return tool if description is None else {**tool, "description": description}


def objects(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


STRING, NUMBER, BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}

MESSAGES = [
    ([says("user", "hello")], 8),
    ([says("user", "hello world")], 9),
    ([says("system", "hello:")], 9),
    (
        [
            says("system", "# Important: you're the best robot"),
            says("user", "hello robot"),
            says("assistant", "hello world"),
        ],
        27,
    ),
    ([says("system", "New synergies will help drive top-line growth.", "example_user")], 20),
    (
        [
            says(
                "system",
                "Things working well together will increase revenue.",
                "example_assistant",
            )
        ],
        19,
    ),
    ([says("system", "You are a bot.")], 12),
    ([says("system", "á")], 8),
    ([says("user", "Hello, how are you?")], 13),
    ([says("user", "What happens in a performance review?")], 14),
    (
        [
            says(
                "assistant",
                "Yes, there is a dress code at Contoso Electronics. Look sharp! "
                "[employee_handbook-1.pdf]",
            )
        ],
        30,
    ),
    ([says("user", "hello world"), says("function", "{}", "do_stuff")], 15),
    (
        [says("user", "hello world"), says("function", '{"foo": "bar", "baz": 1.5}', "do_stuff")],
        28,
    ),
    ([says("function", '{"a": { "b" : { "c": false}}}', "dance_the_tango")], 24),
    (
        [
            {
                **says("assistant", ""),
                "function_call": {"name": "do_stuff", "arguments": '{"foo": "bar", "baz": 1.5}'},
            }
        ],
        26,
    ),
    (
        [
            {
                **says("assistant", ""),
                "function_call": {
                    "name": "do_stuff",
                    "arguments": '{"foo":"bar", "baz":\n\n 1.5}',
                },
            }
        ],
        25,
    ),
]


@pytest.mark.parametrize(("messages", "tokens"), MESSAGES)
def test_messages(messages: list[dict[str, Any]], tokens: int) -> None:
    assert num_tokens_from_messages(messages, OLD) == tokens


HELLO = [says("user", "hello")]
HI = [says("system", "Hello"), says("user", "Hi there")]
HI_TWICE = [says("system", "Hello:"), *HI]
FOO = function("foo")
DO_STUFF, DO_OTHER_STUFF = function("do_stuff"), function("do_other_stuff")


def kinds(*properties: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    letters = "abc"
    return [
        objects(kind={"type": "string", "const": letter}, **{name: schema})
        for letter, (name, schema) in zip(letters, properties)
    ]


RECIPE = function(
    "get_recipe",
    required=["ingredients", "instructions", "time_to_cook"],
    ingredients={
        "type": "array",
        "items": {
            **objects(
                name=STRING,
                unit={"type": "string", "enum": ["grams", "ml", "cups", "pieces", "teaspoons"]},
                amount=NUMBER,
            ),
            "required": ["name", "unit", "amount"],
        },
    },
    instructions={
        "type": "array",
        "items": STRING,
        "description": "Steps to prepare the recipe (no numbering)",
    },
    time_to_cook={**NUMBER, "description": "Total time to prepare the recipe in minutes"},
)
QUALITY = function(
    "function",
    "description",
    quality=objects(
        pros={
            "type": "array",
            "items": STRING,
            "description": "Write 3 points why this text is well written",
        }
    ),
)
FIELDS = function(
    "function",
    "desctiption1",
    mainField={**STRING, "description": "description3"},
    **{
        "field number one": {
            **objects(
                yesNoField={**STRING, "description": "description5", "enum": ["Yes", "No"]},
                howIsInteresting={**STRING, "description": "description6"},
                scoreInteresting={**NUMBER, "description": "description7"},
                isInteresting={**STRING, "description": "description8", "enum": ["Yes", "No"]},
            ),
            "description": "description4",
        }
    },
)
POST_OR_USER = function(
    "foo",
    "Return the foo or the bar",
    ["res"],
    res={
        "anyOf": [
            {
                **objects(kind={**STRING, "const": "post"}, text=STRING),
                "required": ["kind", "text"],
            },
            {
                **objects(
                    kind={**STRING, "const": "user"},
                    name={**STRING, "enum": ["jane", "suzie", "adam"]},
                ),
                "required": ["kind", "name"],
            },
        ],
        "description": "The foo or the bar",
    },
)
SUZIE = [
    says("system", "You are an AI assistant trained to foo or bar"),
    says("user", "My name is suzie"),
    says("function", '{"res":{"kind":"user","name":"suzie"}}', "foo"),
    says("user", 'I want to post a message with the text "hello world"'),
    says("function", '{"res":{"kind":"post","text":"hello world"}}', "foo"),
]
BING = {"name": "bing_bong", "description": "Do a bing bong"}

FUNCTIONS = [
    (HELLO, [FOO], None, 31),
    (HELLO, [FOO], "none", 32),
    (HELLO, [FOO], "auto", 31),
    (HELLO, [FOO], {"name": "foo"}, 36),
    (HELLO, [{**FOO, "description": "Do a foo"}], None, 36),
    (HELLO, [function(**BING, foo=STRING)], None, 49),
    (
        HELLO,
        [function(**BING, foo=STRING, bar={**NUMBER, "description": "A number"})],
        None,
        57,
    ),
    (
        HELLO,
        [function(**BING, foo=objects(bar={**STRING, "enum": ["a", "b", "c"]}, baz=BOOLEAN))],
        None,
        68,
    ),
    (HI, [DO_STUFF], None, 35),
    ([says("system", "Hello:"), HI[1]], [DO_STUFF], None, 35),
    (HI_TWICE, [DO_STUFF], None, 40),
    (HI_TWICE, [DO_STUFF, DO_OTHER_STUFF], None, 49),
    (HI_TWICE, [DO_STUFF, DO_OTHER_STUFF], {"name": "do_stuff"}, 55),
    (HI, [function("do_stuff", foo={"anyOf": kinds(("baz", BOOLEAN))})], None, 52),
    (
        HI,
        [
            function(
                "do_stuff",
                foo={"anyOf": kinds(("baz", BOOLEAN), ("qux", NUMBER), ("idk", STRING))},
            )
        ],
        None,
        80,
    ),
    (HI, [function("do_stuff", foo={"anyOf": [{**STRING, "const": "a"}, NUMBER]})], None, 44),
    (SUZIE, [POST_OR_USER], {"name": "foo"}, 158),
    (HELLO, [RECIPE], None, 106),
    (HELLO, [QUALITY], None, 46),
    (HELLO, [FIELDS], None, 96),
]


@pytest.mark.parametrize(("messages", "functions", "choice", "tokens"), FUNCTIONS)
def test_functions(messages: Any, functions: Any, choice: Any, tokens: int) -> None:
    counted = num_tokens_from_messages(messages, OLD, functions=functions, function_call=choice)
    assert counted == tokens
    tools = [{"type": "function", "function": each} for each in functions]
    if isinstance(choice, dict):
        choice = {"type": "function", "function": choice}
    assert num_tokens_from_messages(messages, OLD, tools=tools, tool_choice=choice) == tokens
    # Fields that are not seen cost nothing.
    strict = [{**each, "strict": True} for each in functions]
    assert num_tokens_from_messages(messages, OLD, tools=strict, tool_choice=choice) == tokens


BOT = [says("system", "You are a bot.")]
DEMO = {"name": "data_demonstration", "description": "This is the main function description"}
SOURCES = {
    "name": "search_sources",
    "description": "Retrieve sources from the Azure AI Search index",
}
QUERY = {
    **STRING,
    "description": "Query string to retrieve documents from azure search eg: 'Health care plan'",
}
MOOD = {**STRING, "enum": ["Happy", "Sad"]}
LOST = {**STRING, "description": "Description in a second object is lost"}
INNER = {"description": "The object data type as a property"}
SIGN = function(**DEMO, integer_enum={"type": "integer", "enum": [-1, 1]})
SEARCH = function(**SOURCES, required=["search_query"], search_query=QUERY)


def only(field: str, schema: dict[str, Any], **named: Any) -> dict[str, Any]:
    return function(**named, required=[field], **{field: schema})


TOOLS = [
    (SEARCH, "auto", 66),
    (SEARCH, "none", 67),
    (SEARCH, "search_sources", 75),
    (SIGN, "none", 54),
    (SIGN, "data_demonstration", 64),
    (SOURCES, "auto", 42),
    (SOURCES, "search_sources", 51),
    (function(**SOURCES, search_query=STRING), "auto", 49),
    (only("search_query", STRING, **SOURCES), "auto", 49),
    (
        function(
            "summarize_order",
            "Summarize the customer order request",
            ["product_name", "quantity", "unit"],
            product_name={**STRING, "description": "Product name ordered by customer"},
            quantity={"type": "integer", "description": "Quantity ordered by customer"},
            unit={
                **STRING,
                "enum": ["meals", "days"],
                "description": "unit of measurement of the customer order",
            },
        ),
        "none",
        86,
    ),
    (only("object_1", {**objects(string1=STRING), **INNER}, **DEMO), "none", 65),
    (only("object_1", {**objects(string_2a=MOOD), **INNER}, **DEMO), "none", 73),
    (only("object_1", {**objects(string_2a=MOOD, string_2b=LOST), **INNER}, **DEMO), "none", 89),
    (
        function(
            **DEMO,
            required=["object_1"],
            object_1={**objects(string_2a=MOOD, string_2b=LOST), **INNER},
            string_1={**STRING, "description": "Not required gets a question mark"},
        ),
        "none",
        103,
    ),
    (
        only(
            "requires_escalation",
            {
                **BOOLEAN,
                "description": "If user is showing signs of frustration or anger in the query. "
                "Also if the user says they want to talk to a real person and not a chat bot.",
            },
            name="human_escalation",
            description="Check if user wants to escalate to a human",
        ),
        "none",
        89,
    ),
    (
        only(
            "addresses",
            {
                "type": "array",
                "description": "The mailing addresses to be located",
                "items": STRING,
            },
            name="get_coordinates",
            description="Get the latitude and longitude of multiple mailing addresses",
        ),
        "none",
        59,
    ),
    (
        only(
            "null_value",
            {"type": "null", "description": "The null value to be returned"},
            name="get_null",
            description="Get the null value",
        ),
        "none",
        55,
    ),
    (
        only(
            "no_type_value",
            {"description": "The no type value to be returned"},
            name="get_no_type",
            description="Get the no type value",
        ),
        "none",
        59,
    ),
]


@pytest.mark.parametrize(("tool", "choice", "tokens"), TOOLS)
def test_tools(tool: Any, choice: str, tokens: int) -> None:
    tools = [{"type": "function", "function": tool}]
    named: Any = {"type": "function", "function": {"name": choice}}
    if choice in ("auto", "none"):
        named = choice
    assert num_tokens_from_messages(BOT, NEW, tools=tools, tool_choice=named) == tokens


def calculator(number: int) -> list[dict[str, Any]]:
    call = {"name": "calculator", "arguments": '{"a":2, "b":2}'}
    calls = [{"id": f"call_{i}", "type": "function", "function": call} for i in range(number)]
    results = [{"role": "tool", "tool_call_id": f"call_{i}", "content": "4"} for i in range(number)]
    text = {"type": "text", "text": "How much is 2 plus 2?"}
    return [
        {"role": "user", "content": [text]},
        {"role": "assistant", "tool_calls": calls},
        *results,
    ]


@pytest.mark.parametrize(("calls", "tokens"), [(1, 40), (2, 89), (3, 114), (4, 139), (5, 164)])
def test_calls_and_their_results(calls: int, tokens: int) -> None:
    assert num_tokens_from_messages(calculator(calls), OLD) == tokens


@pytest.mark.parametrize("call_id", ["a", "call_Id8ycVMsW8gdsf7kSXfgAcf1", "x" * 1000])
@pytest.mark.parametrize("name", [{}, {"name": "get_current_weather"}])
def test_a_call_and_its_result(call_id: str, name: dict[str, str]) -> None:
    weather = {"name": "get_current_weather", "arguments": '{\n  "location": "Boston, MA"\n}'}
    messages = [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call_id, "type": "function", "function": weather}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": "29 degree celcius", **name},
    ]
    assert num_tokens_from_messages(messages, "gpt-4") == 35


def test_results_of_several_calls_are_escaped() -> None:
    """Measured with gpt-4.1: 39,235 tokens for three results of 1,000 Korean words, of which each
    has 1,002 by itself, and 3,191 for as many English ones; the rest of the chats is not known."""

    def counted(word: str, calls: int) -> int:
        messages = calculator(calls)
        for message in messages[2:]:
            message["content"] = word * 1000
        return num_tokens_from_messages(messages, "gpt-4.1")

    assert 1_002 < counted("테스트 ", 1) < 1_121
    assert 3_000 < counted("test ", 3) < 3_191
    assert 39_000 < counted("테스트 ", 3) < 39_235
