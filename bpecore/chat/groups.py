"""Which messages of a chat are kept or dropped together when it is cut.

Calls of tools belong to their results, to the calls beside them, and to reasoning in front of them.
A result whose call is not there is in no group: servers refuse it. Linear.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bpecore.chat.seen import Seen


@dataclass
class Group:
    """Messages that are kept together.

    Attributes:
        positions: their numbers, in order.
        is_plain: whether it is one message whose content can be cut.
        is_broken: whether it has a result without a call, and must not be kept.
    """

    positions: list[int]
    is_plain: bool
    is_broken: bool = False
    call_ids: set[str] | None = field(default=None, repr=False)

    def answers(self, result: Seen) -> bool:
        """Returns whether a result answers one of the calls; one that names no call does."""
        if self.call_ids is None:
            return False
        return not isinstance(result.call_id, str) or result.call_id in self.call_ids

    def add_calls(self, message: Seen) -> None:
        """Notes a message's calls."""
        if message.calls:
            self.call_ids = self.call_ids or set()
            self.call_ids.update(call.id for call in message.calls if isinstance(call.id, str))


def groups_of(seen: list[Seen], number_of_messages: int) -> list[Group]:
    """Returns the groups of messages, in order.

    Args:
        seen: the messages as a model sees them.
        number_of_messages: how many the caller gave.
    """
    groups: list[Group] = []
    lost = -1  # the message with a result that is in no group
    leads = False
    for number, message in enumerate(seen):
        position = message.position
        end = seen[number + 1].position if number + 1 < len(seen) else number_of_messages
        last = groups[-1] if groups else None
        is_part = last is not None and last.positions[-1] >= position
        is_orphan = message.is_result and not (last is not None and last.answers(message))
        if is_orphan or position == lost:
            answers = message.is_result and not is_orphan
            if last is not None and (is_part or leads or answers):
                last.is_broken = True
            lost, leads = position, False
            continue
        positions = range(position + is_part, max(end, position + 1))
        if last is not None and (is_part or leads or message.is_result):
            last.positions.extend(positions)
            last.is_plain = False
        else:
            last = Group([*positions], not (message.calls or message.leads))
            groups.append(last)
        last.add_calls(message)
        leads = message.leads
    return [group for group in groups if not group.is_broken]
