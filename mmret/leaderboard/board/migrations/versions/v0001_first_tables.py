"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)
WORD = sa.String(16)
SHA = sa.String(64)


def upgrade() -> None:
    """Make them all."""
    op.create_table(
        "benchmark",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("digest", SHA, nullable=False),
        sa.Column("ground_digest", SHA, nullable=False),
        sa.Column("answers_digest", SHA, nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("public_id", sa.String(64), nullable=True),
        sa.Column("main_protocol", sa.String(), nullable=False),
        sa.Column("main_measure", sa.String(), nullable=False),
        sa.Column("protocols", sa.JSON(), nullable=False),
        sa.Column("measures", sa.JSON(), nullable=False),
        sa.Column("slices", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("quota_day", sa.Integer(), nullable=True),
        sa.Column("quota_total", sa.Integer(), nullable=True),
        sa.Column("decimals", sa.Integer(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["public_id"], ["benchmark.id"], name="fk_benchmark_public_id"),
        sa.PrimaryKeyConstraint("id", name="pk_benchmark"),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
        sa.UniqueConstraint("key", name="uq_team_key"),
    )
    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("benchmark_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("file_digest", SHA, nullable=False),
        sa.Column("exported_at", TIME, nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmark.id"], name="fk_import_benchmark_id"),
        sa.PrimaryKeyConstraint("id", name="pk_import"),
        sa.UniqueConstraint("benchmark_id", "key", name="uq_import_benchmark_id_key"),
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("benchmark_id", sa.String(64), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("file_digest", SHA, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("run_digest", SHA, nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("values_digest", SHA, nullable=True),
        sa.Column("scorer_version", sa.String(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("scored_at", TIME, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmark.id"], name="fk_submission_benchmark_id"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_submission_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submission"),
    )
    op.create_index("ix_submission_benchmark_id_run_digest", "submission", ["benchmark_id", "run_digest"])
    op.create_index("ix_submission_benchmark_id_state", "submission", ["benchmark_id", "state"])
    op.create_index(
        "ix_submission_team_id_benchmark_id_received_at", "submission", ["team_id", "benchmark_id", "received_at"]
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(8), nullable=False),
        sa.Column("digest", SHA, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_token_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("prefix", name="uq_token_prefix"),
    )
    op.create_index("ix_token_team_id", "token", ["team_id"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("submission_id", sa.String(26), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_audit_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_submission_id", "audit", ["submission_id"])
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(26), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_job_submission_id"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_state_id", "job", ["state", "id"])
    op.create_index("ix_job_submission_id", "job", ["submission_id"])
    op.create_table(
        "score",
        sa.Column("submission_id", sa.String(26), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("slice", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("optimistic", sa.Double(), nullable=False),
        sa.Column("pessimistic", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("random", sa.Double(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name="fk_score_submission_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("submission_id", "protocol", "slice", "measure", name="pk_score"),
    )
