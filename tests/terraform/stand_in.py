"""AWS on loopback: moto, with what Terraform's provider asks for and moto lacks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.emrserverless.models import Application
from moto.emrserverless.responses import EMRServerlessResponse
from moto.s3.models import FakeBucket

from tests.s3.server import Server, serving


@contextmanager
def aws() -> Iterator[Server]:
    """The recording server of tests/s3, for every service."""
    _complete_applications()
    _complete_budgets()
    _complete_rules()
    # moto knows no condition in a bucket's policy and would deny everything; tests/terraform/judge.py judges instead.
    FakeBucket.get_permission = lambda *_: None
    with serving() as server:
        yield server


def _complete_applications() -> None:
    """An application keeps its architecture and image, and begins as CREATED."""
    create = EMRServerlessResponse.create_application
    if create.__module__ == __name__:
        return

    def created(self: Any) -> Any:
        answer = create(self)
        application: Application = self.emrserverless_backend.applications[answer.result["applicationId"]]
        application.state = "CREATED"
        application.architecture = self._get_param("architecture")
        application.image_configuration = self._get_param("imageConfiguration")
        return answer

    EMRServerlessResponse.create_application = created


def _complete_budgets() -> None:
    """Who is told of a budget, and its tags."""

    def budget(self: Any, name: str) -> Budget:
        return self.backend.budgets[self._get_param("AccountId") or self.current_account][name]

    def subscribers(self: Any) -> str:
        wanted = self._get_param("Notification")
        found = [
            each.subscribers
            for each in budget(self, self._get_param("BudgetName")).notifications
            if {name: str(value) for name, value in each.details.items() if name in wanted}
            == {name: str(value) for name, value in wanted.items()}
        ]
        return json.dumps({"Subscribers": found[0]})

    def tags(self: Any) -> str:
        return json.dumps(
            {"ResourceTags": self.backend.__dict__.setdefault("tags", {}).get(self._get_param("ResourceARN"), [])}
        )

    def tag(self: Any) -> str:
        self.backend.__dict__.setdefault("tags", {})[self._get_param("ResourceARN")] = self._get_param("ResourceTags")
        return "{}"

    create = BudgetsResponse.create_budget

    def created(self: Any) -> str:
        name = f"arn:aws:budgets::{self.current_account}:budget/{self._get_param('Budget')['BudgetName']}"
        self.backend.__dict__.setdefault("tags", {})[name] = self._get_param("ResourceTags") or []
        return create(self)

    if create.__module__ != __name__:
        BudgetsResponse.create_budget = created
        BudgetsResponse.describe_subscribers_for_notification = subscribers
        BudgetsResponse.list_tags_for_resource = tags
        BudgetsResponse.tag_resource = tag


def _complete_rules() -> None:
    """A rule for a prefix list keeps its description."""
    make, described = SecurityGroupRule.__init__, SecurityGroupRule.description.fget
    if make.__module__ == __name__:
        return

    def made(self: Any, *arguments: Any, **names: Any) -> None:
        make(self, *arguments, **names)
        prefix_list = names.get("prefix_list_id") or (arguments[7] if len(arguments) > 7 else None)
        self.of_prefix_list = (prefix_list or {}).get("Description")

    SecurityGroupRule.__init__ = made
    SecurityGroupRule.description = property(lambda self: self.of_prefix_list or described(self))
