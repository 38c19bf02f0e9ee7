"""Agent harnesses write into the user's turn; this takes what they wrote out again.

Only tags that a known harness uses are touched: a person may write any other tag and mean it.
One pass over the tags with a stack, so time is linear whatever the nesting or the malice.
"""

import re
from typing import Final

BLOCKS: Final = (
    # Claude Code and its relatives: reminders, slash commands, shell echoes, editor state.
    "system-reminder",
    "system_reminder",
    "command-[a-z]+",
    "local-command-[a-z]+",
    "user-prompt-submit-hook",
    "bash-(?:input|stdout|stderr)",
    "ide_[a-z_]+",
    "task-notification",
    # Cline, Roo Code, Kilo Code.
    "environment_details",
    # Codex.
    "environment_context",
    "user_instructions",
    # Cursor.
    "additional_data",
    "user_info",
    "project_layout",
    "attached_files",
    "open_and_recently_viewed_files",
    # Copilot in VS Code.
    "environment_info",
    "workspace_info",
    "editorContext",
    "reminderInstructions",
    "conversation-summary",
)
"""Names (regular expressions) of tags whose whole block is the harness's."""

WRAPPERS: Final = ("user_query", "userRequest", "user_message")
"""Names of tags that a harness puts around the person's own words: only the marks go."""

_TAG: Final = re.compile(
    rf"<(?P<close>/?)(?=[a-zA-Z])(?:(?P<block>{'|'.join(BLOCKS)})|(?P<wrapper>{'|'.join(WRAPPERS)}))"
    r"(?:\s[^<>\n]{0,200})?>"
)


def strip_reminders(text: str) -> str:
    """`text` without harness blocks, each replaced by a line break, and without outer space.

    A block that is never closed is text: its opening mark may be what the person asks about.
    """
    if "</" not in text:
        return text.strip()
    kept: list[str] = []
    at = 0
    for start, end in _spans(text):
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return "\n".join(kept).strip()


def _spans(text: str) -> list[tuple[int, int]]:
    """Half-open ranges to remove, in order, none inside another."""
    spans: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    waiting: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        name = tag["block"]
        if name is None:
            spans.append(tag.span())
        elif not tag["close"]:
            stack.append((name, tag.start()))
            waiting[name] = waiting.get(name, 0) + 1
        elif waiting.get(name):
            start = _unwind(name, stack, waiting)
            while spans and spans[-1][0] >= start:
                spans.pop()
            spans.append((start, tag.end()))
    return spans


def _unwind(name: str, stack: list[tuple[str, int]], waiting: dict[str, int]) -> int:
    """Pop to the innermost open `name`; where it began. What was opened inside goes with it."""
    while True:
        top, start = stack.pop()
        waiting[top] -= 1
        if top == name:
            return start
