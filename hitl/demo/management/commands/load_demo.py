"""`manage.py load_demo`: the demo workspace, its people, and about 1,100 cases on their way through the product."""

from typing import Any

from hitl.demo.command import DemoCommand
from hitl.demo.parts import Part, main_part


class Command(DemoCommand):
    help = (
        "Load the demo: two task types from scikit-learn's data sets, models trained on the spot, a history judged by "
        "simulated reviewers, a recalibration, and several hundred reviews left for you. The web server must run. "
        "Run it again to go on after an interruption; once all is loaded it does nothing."
    )

    def part(self, *, url: str, **options: Any) -> Part:
        return main_part()
