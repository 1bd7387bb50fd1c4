"""A clinic behind the real web application: two teams, a patient of each, a person of each role, signed in for real."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clinical.protocol import Protocol, load_protocol
from dashboard.assembly import assemble
from dashboard.request import Parts
from dashboard.routing import PageModule
from data.db import Database, open_database
from data.models import Patient, PatientTeam
from data.people import Actor, add_person, add_team, redeem
from data.settings import Settings

PASSWORD = "blue kettle, quiet harbour"
ROLES_OF = {
    "onc@north.example": ("oncologist", ["North"]),
    "nurse@south.example": ("nurse", ["South"]),
    "admin@clinic.example": ("admin", []),
    "auditor@clinic.example": ("auditor", []),
}


@dataclass
class Web:
    """The application, its database, and ways to ask it something."""

    app: Dash
    database: Database
    settings: Settings
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def anonymous(self) -> FlaskClient:
        """A browser that is not signed in."""
        return self.app.server.test_client()

    def client(self, email: str) -> FlaskClient:
        """A browser in which this person has signed in."""
        if email not in self.clients:
            client = self.anonymous()
            answer = client.post("/login", data={"email": email, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            self.clients[email] = client
        return self.clients[email]

    def call(self, client: FlaskClient, callback: str, *values: Any, **headers: str) -> TestResponse:
        """Send what Dash's renderer would send for a callback, with these values for its inputs and states."""
        return client.post("/_dash-update-component", json=self.body(callback, *values), headers=headers)

    def body(self, callback: str, *values: Any) -> dict[str, Any]:
        """The body of a callback request. `callback` is its id or any output in it."""
        name = next(name for name in self.app.callback_map if callback in name)
        entry = self.app.callback_map[name]
        given = iter(values)
        inputs = [{**dependency, "value": next(given)} for dependency in entry["inputs"]]
        states = [{**dependency, "value": next(given, None)} for dependency in entry["state"]]
        declared = entry["output"] if isinstance(entry["output"], list) else [entry["output"]]
        outputs = [{"id": output.component_id, "property": output.component_property} for output in declared]
        return {
            "output": name,
            "outputs": outputs if isinstance(entry["output"], list) else outputs[0],
            "inputs": inputs,
            "state": states,
            "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"] if inputs else [],
        }


@pytest.fixture
def web_settings(tmp_path: Path) -> Settings:
    """Settings of a web process at http://localhost, with a secret of its own."""
    key = tmp_path / "secret.key"
    key.write_bytes(b"0123456789abcdef-secret-of-the-tests")
    key.chmod(0o600)
    return Settings(secret_key_file=key, base_url="http://localhost", environment="test", _env_file=None)


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """The protocol as shipped."""
    return load_protocol()


@pytest.fixture(scope="session")
def clinic_template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, audit_key: bytes) -> Path:
    """Teams North and South; patient N1 of North, S1 of South; a person of each role with the same password."""
    path = tmp_path_factory.mktemp("clinic") / "nadir.db"
    shutil.copyfile(sqlite_template, path)
    database = open_database(f"sqlite:///{path}", audit_key)
    populate(database)
    database.close()
    return path


def populate(database: Database) -> None:
    """Write teams, patients and people."""
    root, now = Actor.system("test"), datetime.now(UTC)
    with database.write() as session:
        for number, team in enumerate(("North", "South"), start=1):
            team_id = add_team(session, root, team, now=now).id
            mrn = f"{team[0]}1"
            session.add(Patient(id=number, uuid=f"uuid-{mrn}", mrn=mrn, name=f"CNRY-{mrn}-name", created_at=now))
            session.flush()
            session.add(PatientTeam(patient_id=number, team_id=team_id))
    for email, (role, teams) in ROLES_OF.items():
        with database.write() as session:
            token = add_person(session, root, email=email, role=role, teams=teams, now=now)
            redeem(session, token, PASSWORD, now)


@pytest.fixture
def clinic(
    request: pytest.FixtureRequest, tmp_path: Path, clinic_template: Path, audit_key: bytes
) -> Iterator[Database]:
    """A database of its own with the people and patients of `clinic_template`: SQLite, or as the test asks."""
    if getattr(request, "param", "sqlite") == "postgresql":
        on_postgresql: Database = request.getfixturevalue("postgresql_database")
        populate(on_postgresql)
        yield on_postgresql
        return
    path = tmp_path / "clinic.db"
    shutil.copyfile(clinic_template, path)
    database = open_database(f"sqlite:///{path}", audit_key)
    yield database
    database.close()


@pytest.fixture
def assembled(clinic: Database, web_settings: Settings, protocol: Protocol) -> Callable[..., Web]:
    """Put the application together with the given pages."""

    def build(*pages: PageModule, **changes: Any) -> Web:
        settings = web_settings.model_copy(update=changes)
        return Web(assemble(Parts(clinic, settings, protocol), pages), clinic, settings)

    return build
