"""Whatever happened to Bronze: building the days concerned gives what a build from nothing gives, row by row."""

from functools import partial

from tests.dbt.world import DAILY, DAYS, Tables, World, product

from behind import find_first  # isort: skip  # of the folder dbt, which `world` has put on the path

FIRST, SECOND, THIRD, FOURTH = DAYS


def assert_equal(found: Tables, expected: Tables) -> None:
    assert found.keys() == expected.keys()
    differing = {name: [row for row in rows if row not in found[name]][:3] for name, rows in expected.items()}
    assert found == expected, {name: rows for name, rows in differing.items() if found[name] != expected[name]}


def test_the_same_day_built_again_changes_nothing(world: World) -> None:
    before = world.tables()

    world.build(SECOND)

    assert_equal(world.tables(), before)
    assert_equal(before, world.rebuilt())


def test_a_corrected_day_replaces_its_rows_and_no_other_day(world: World) -> None:
    gone, changed, *rest = world.delivered("call_logs", SECOND)
    added = changed | {"call_id": "added", "agent_id": "9999", "customer_id": ""}
    world.land("call_logs", SECOND, [changed | {"resolution_status": "BLOCKED"}, added, added, *rest])
    world.land("call_logs", FOURTH, world.delivered("call_logs", FOURTH)[1:])
    fourth = f"SELECT count(*) FROM coretelecoms_silver.stg_call_logs WHERE ingest_date = '{FOURTH}'"
    before = world.ask(fourth)

    world.build(SECOND)

    assert world.ask(fourth) == before
    calls = (
        "SELECT complaint_id, resolution_status, delivered_rows, customer_key FROM coretelecoms_gold.fact_complaints"
    )
    assert not world.ask(f"{calls} WHERE complaint_id = '{gone['call_id']}'")
    assert world.ask(f"{calls} WHERE complaint_id = 'added'") == [
        ("added", world.ask(f"{calls} WHERE complaint_id = 'added'")[0][1], 2, "unknown")
    ]
    assert world.ask(f"{calls} WHERE complaint_id = '{changed['call_id']}'")[0][1] == "Blocked"
    world.build(FOURTH)
    assert_equal(world.tables(), world.rebuilt())


def test_a_day_that_looks_back_is_built_from_the_first_one_on_that_bronze_holds_otherwise(world: World) -> None:
    world.land("call_logs", SECOND, world.delivered("call_logs", SECOND)[3:])
    world.land("service_outages", THIRD, [])

    assert world.build(FOURTH, look_back=True).startswith(f"{SECOND}..{FOURTH} built")
    assert_equal(world.tables(), world.rebuilt())
    assert find_first(partial(product.invoke, parsed=product.invoke("parse")), FOURTH) == FOURTH


def test_ids_delivered_again_two_days_later_have_their_newest_state(world: World) -> None:
    again = [row | {"resolution_status": "Blocked"} for row in world.delivered("web_forms", FIRST)[:20]]
    world.land("web_forms", THIRD, [*world.delivered("web_forms", THIRD), *again])

    world.build(THIRD)

    ids = ", ".join(f"'{row['request_id']}'" for row in again)
    states = world.ask(
        f"""SELECT DISTINCT resolution_status, reported_date, ingest_date FROM coretelecoms_gold.fact_complaints
        WHERE complaint_id IN ({ids})"""
    )
    assert states == [("Blocked", FIRST, THIRD)]
    assert_equal(world.tables(), world.rebuilt())


def test_an_outage_that_ended_the_day_after_counts_once(world: World) -> None:
    lasts = next(row for row in world.delivered("service_outages", FIRST) if row["ended_at"] is None)
    ended = lasts | {"ended_at": "2025-11-21T03:00:00Z"}
    world.land("service_outages", SECOND, [*world.delivered("service_outages", SECOND), ended])

    world.build(SECOND)

    assert world.ask(
        f"""SELECT has_ended, reported_date, ingest_date, deliveries FROM coretelecoms_gold.fact_service_outages
        WHERE outage_id = '{lasts["outage_id"]}'"""
    ) == [(True, FIRST, SECOND, 2)]
    assert_equal(world.tables(), world.rebuilt())


def test_an_old_day_replayed_after_newer_ones_does_not_win_over_them(world: World) -> None:
    newest = world.delivered("web_forms", FOURTH)[0]
    world.land(
        "web_forms", FIRST, [*world.delivered("web_forms", FIRST)[5:], newest | {"resolution_status": "Backlog"}]
    )
    world.land("agents", FIRST, [row | {"experience": "Junior"} for row in world.delivered("agents")])

    world.build(FIRST)

    assert world.ask(
        f"""SELECT ingest_date, reported_date, deliveries FROM coretelecoms_gold.fact_complaints
        WHERE channel = 'Web form' AND complaint_id = '{newest["request_id"]}'"""
    ) == [(FOURTH, FIRST, 2)]
    assert_equal(world.tables(), world.rebuilt())


def test_a_day_that_became_empty_leaves_no_rows(world: World) -> None:
    for source in DAILY:
        world.land(source, SECOND, [])

    world.build(SECOND)

    left = f"SELECT count(*) FROM coretelecoms_silver.complaints_clean WHERE ingest_date = '{SECOND}'"
    assert world.ask(left) == [(0,)]
    assert_equal(world.tables(), world.rebuilt())


def test_a_late_customer_and_a_change_of_agents_reach_the_facts_of_all_days(world: World) -> None:
    orphan = world.delivered("social_media", FIRST)[0] | {"customer_id": "11111111-1111-4111-8111-111111111111"}
    world.land("social_media", FIRST, [*world.delivered("social_media", FIRST)[1:], orphan])
    world.build(FIRST, tests=False)
    late = world.delivered("customers")[0] | {"customer_id": orphan["customer_id"]}
    agents = [row | {"experience": "Senior"} for row in world.delivered("agents")[:-1]]
    keys = f"""SELECT customer_key FROM coretelecoms_gold.fact_complaints
        WHERE complaint_id = '{orphan["complaint_id"]}' AND channel = 'Social media'"""
    assert world.ask(keys) == [("unknown",)]
    world.land("customers", THIRD, [*world.delivered("customers"), late])
    world.land("agents", THIRD, agents)

    world.build(THIRD)

    assert world.ask(keys) == [(orphan["customer_id"],)]
    history = world.ask(
        """SELECT count(*), count(*) FILTER (NOT is_listed), count(*) FILTER (valid_from = DATE '2025-11-22')
        FROM coretelecoms_gold.dim_agent WHERE NOT is_unknown"""
    )
    changed = sum(row["experience"] != "Senior" for row in world.delivered("agents")[:-1])
    assert history == [(100 + changed, 1, changed)]
    assert_equal(world.tables(), world.rebuilt())
