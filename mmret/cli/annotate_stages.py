"""The stages of `mmret annotate`: how each is called, and what it says when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from .common import note

if TYPE_CHECKING:
    from ..pipelines.annotate.project import Project

Stage = Callable[["Project", int | None], None]


def segment(project: Project, workers: int | None) -> None:
    """Cut the clips: shots, filters by motion, richness and sound, near duplicates."""
    from ..pipelines.annotate.segment import segment as run_segment

    _say("segment", "clips", run_segment(project, workers=workers, show=True))


def describe(project: Project, workers: int | None) -> None:
    """Describe what is seen and heard in each clip."""
    from ..pipelines.annotate.describe import describe_project
    from ..pipelines.annotate.llm import Askers

    _say("describe", "clips", describe_project(project, Askers.of(project), workers=workers, show=True))
    _refuse_to_go_on(project, "describe")


def mine(project: Project, workers: int | None) -> None:
    """Find pairs of clips that the conditions in the settings let pass."""
    from ..pipelines.annotate.mine import mine_project

    told = mine_project(project, workers=workers, show=True)
    if told["without"]:
        note(f"mine: {told['without']:,} clips have no vector, as they show nothing or sound like nothing")
    for split, kinds in told["splits"].items():
        note(f"mine: {split}: {', '.join(f'{number:,} {kind}' for kind, number in kinds.items())}")


def write(project: Project, workers: int | None) -> None:  # noqa: ARG001 - the writer says how many work
    """Write for each pair what must be changed in the source to get the target."""
    from ..pipelines.annotate.llm import Askers
    from ..pipelines.annotate.write import write_project

    _say("write", "pairs", write_project(project, Askers.of(project), show=True))
    _refuse_to_go_on(project, "write")


def verify(project: Project, workers: int | None) -> None:
    """Have triplets judged, with controls among them that show how far each judge can be trusted."""
    from ..pipelines.annotate.verify import Findings, verify_project

    _say("verify", "verdicts", verify_project(project, workers=workers, show=True))
    for trust in Findings(project).trust.values():
        if not trust.trusted:
            note(f"verify: {trust.judge} is not trusted: {trust.reason}")
    _refuse_to_go_on(project, "verify")


def _say(stage: str, what: str, counts: Mapping[Any, int]) -> None:
    accepted, rejected, pending = (counts[status] for status in ("accepted", "rejected", "pending"))
    note(f"{stage}: {accepted:,} {what} accepted, {rejected:,} rejected, {pending:,} pending")


def _refuse_to_go_on(project: Project, stage: str) -> None:
    """Raise `RunError` where the budget was spent before all items of a stage were through."""
    from ..pipelines.annotate.llm import SPENT

    waiting = project.counts(stage).get("pending", {}).get(SPENT, 0)
    if waiting:
        raise RunError(
            f"{stage}: the budget is spent and {waiting:,} items wait. No answer is lost; to go on give the same "
            "command a higher --max-calls or --max-cost, or raise [budget] in the settings"
        )


STAGES: dict[str, Stage] = {
    "segment": segment,
    "describe": describe,
    "mine": mine,
    "write": write,
    "verify": verify,
}
"""The stages that need no person, in their order."""

PAID = {"describe", "write", "verify"}
"""Those that may ask models which cost money."""
