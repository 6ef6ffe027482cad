"""The statement that judges, as text to be read from top to bottom; compiling.py fills its holes from a rule set.

It names the pilot in every join and GROUP BY, and calls nothing that gives another answer tomorrow.
"""

# Live reports of the touched households. OFFSET 0 keeps a look-up in the index per household: the planner, which knows
# nothing of the temporary table, else reads all reports.
TOUCHED = """
  SELECT r.* FROM touched_household t CROSS JOIN LATERAL (
    SELECT {columns} FROM signals.report r
    WHERE r.pilot_id = :pilot AND r.household_id = t.household_id AND r.state = 'live'
    OFFSET 0
  ) r"""
ALL = """
  SELECT {columns} FROM signals.report r
  WHERE r.pilot_id = :pilot AND r.household_id IS NOT NULL AND r.state = 'live'"""
# Reports as they came in (signals/backtest.py): of a month nothing is settled yet, of the months before it what was.
REPLAYED = "SELECT r.*, CAST(NULL AS date) AS settled_on FROM replayed_report r"
COLUMNS = """r.pilot_id, r.household_id, r.report_id, r.creditor_id COLLATE "C" AS creditor_id, r.reference, r.period,
      r.kind, r.category, r.amount_euros, r.months, r.urgent, r.known_client, r.district, r.reported_on, r.received_on,
      r.settled_on, r.unannounced, r.reported_on - r.arrears_since AS days,
      CAST(substr(r.period, 1, 4) AS integer) * 12 + CAST(substr(r.period, 6, 2) AS integer) AS month"""

KEEP = "CREATE TEMPORARY TABLE judged_month WITH (toast_tuple_target = 8160) ON COMMIT DROP AS"
FRAME = """
WITH report AS ({reports}
),
-- What a report lies outside of ('' for nothing), as the inside of a JSON array with a comma in front of each.
bounded AS (
  SELECT report.*, kind = ANY ({always}) AS always, {outside} AS outside FROM report
),
-- The report of the same creditor and reference that came before, among those that count.
followed AS (
  SELECT bounded.*, always OR outside = '' AS eligible,
    lag(month) OVER before AS before_month, lag(amount_euros) OVER before AS before_amount,
    lag({settled_since}) OVER before AS before_settled
  FROM bounded
  WINDOW before AS (PARTITION BY household_id, pilot_id, creditor_id, reference, always OR outside = '' ORDER BY month)
),
-- A month's reports: those that count come first, and where none does all are taken for the facts.
in_month AS (
  SELECT followed.*,
    eligible AND NOT always AND urgent = '{{}}'
      AND coalesce(before_month >= month - {months_back} AND amount_euros < before_amount + {grown_by}, false)
      AND (before_settled <= reported_on) IS NOT TRUE
      AS repeat,
    first_value(eligible) OVER in_order AS any_eligible,
    lag(creditor_id) OVER in_order IS DISTINCT FROM creditor_id AS other_creditor
  FROM followed
  WINDOW in_order AS (PARTITION BY household_id, pilot_id, month, period
                      ORDER BY eligible DESC, creditor_id, report_id)
),
counted AS (
  SELECT in_month.*, eligible OR NOT any_eligible AS counts FROM in_month
),
-- Sorted once: grouped and gathered as the window above left them.
month AS (
  SELECT household_id, pilot_id, month, period, bool_or(eligible) AS any_eligible,
    count(*) FILTER (WHERE counts AND other_creditor) AS creditors,
    count(*) FILTER (WHERE counts) AS reports,
    count(*) FILTER (WHERE repeat) AS repeats,
    count(*) FILTER (WHERE counts AND settled_on IS NOT NULL) AS settled,
    count(*) FILTER (WHERE counts AND unannounced) AS unannounced,
    sum(amount_euros) FILTER (WHERE counts) AS amount_euros,
    max(months) FILTER (WHERE counts) AS months,
    min(days) FILTER (WHERE counts) AS newest_days,
    max(days) FILTER (WHERE counts) AS oldest_days,
    min(received_on) FILTER (WHERE counts) AS received_on,
    {word_columns},
    (array_agg(district ORDER BY eligible DESC, creditor_id, report_id))[1] AS district,
    array_agg(report_id ORDER BY eligible DESC, creditor_id, report_id) AS report_ids,
    string_agg({report_json}, ',' ORDER BY eligible DESC, creditor_id, report_id) AS reports_json
  FROM counted
  GROUP BY household_id, pilot_id, month, period
),
-- Looking back: months without a report that counts see nothing and are not seen.
followed_month AS (
  SELECT month.*,
    CASE WHEN any_eligible THEN count(*) OVER back END AS earlier_months,
    CASE WHEN any_eligible THEN amount_euros - last_value(amount_euros) OVER back END AS growth_euros
  FROM month
  WINDOW back AS (PARTITION BY household_id, pilot_id, any_eligible ORDER BY month
                  RANGE BETWEEN {window} PRECEDING AND 1 PRECEDING)
),
digested AS (
  SELECT f.*, CAST(hash_record_extended(f, {salt}) AS text) AS digest FROM followed_month f
),
{changed}
asked AS MATERIALIZED (
  SELECT changed.*, ARRAY[settled = reports, repeats = reports, {needs}] AS held FROM changed
),
-- What the rules say depends on which conditions held, on the words, and on the day for the deadline: few months differ
-- in these, so it is said once for all that are alike.
matched AS (
  SELECT alike.*, held[1] AS all_settled, held[2] AS all_repeats, {terms}, {matches}
  FROM (SELECT DISTINCT {alike} FROM asked) alike
),
placed AS (
  SELECT matched.*,
    CASE WHEN NOT any_eligible THEN 'none_eligible'
         WHEN all_settled THEN 'all_settled'
         WHEN NOT ({any_match}) THEN 'no_rule'
         WHEN all_repeats AND NOT ({any_urgent}) THEN 'all_repeats' END AS set_aside
  FROM matched
),
sorted AS (
  SELECT placed.*, ({any_urgent}) AND set_aside IS DISTINCT FROM 'all_settled' AS urgent,
    CASE WHEN set_aside = 'all_settled' THEN {settled_tray} WHEN set_aside IS NOT NULL THEN {set_aside_tray}
         {trays} END AS tray,
    CAST(CASE WHEN set_aside IS NOT NULL THEN 0 {priorities} END AS integer) AS priority,
    CASE WHEN set_aside IN ('none_eligible', 'all_settled', 'no_rule') THEN {set_aside_clock}
         ELSE least({deadlines}) END AS deadline
  FROM placed
),
verdict AS MATERIALIZED (
  SELECT {alike}, tray, urgent, priority, deadline, {rules} AS rules, {categories_array} AS category_words,
    {verdict_json} AS verdict_json
  FROM sorted
)
SELECT pilot_id,
  CAST(substr(encode(sha256(convert_to(pilot_id || '/' || household_id || '/' || period, 'UTF8')), 'hex'), 1, 32)
       AS uuid) AS signal_id,
  household_id, period, tray, rules, urgent, priority, received_on, deadline,
  category_words AS categories, CAST(creditors AS integer) AS creditors,
  {name} AS rule_set, CAST(amount_euros AS integer) AS amount_euros, months, district, report_ids AS reports,
  digest, {explanation} AS explanation
FROM asked JOIN verdict USING ({alike}){gone}
"""
# The digest of a month's row stands beside the explanation that was made from it, so that a month in which nothing
# changed is known without judging it anew. A full run trusts no digest.
CHANGED = """standing AS MATERIALIZED (
  SELECT s.* FROM touched_household t CROSS JOIN LATERAL (
    SELECT s.pilot_id, s.household_id, s.signal_id, s.period,
      (SELECT f.digest FROM signals.signal_facts f WHERE f.pilot_id = :pilot AND f.signal_id = s.signal_id) AS digest
    FROM signals.signal s
    WHERE s.pilot_id = :pilot AND s.household_id = t.household_id
    OFFSET 0
  ) s
),
changed AS (
  SELECT d.* FROM digested d
  WHERE NOT EXISTS (
    SELECT FROM standing s
    WHERE s.pilot_id = d.pilot_id AND s.household_id = d.household_id AND s.period = d.period AND s.digest = d.digest)
),"""
# A signal of which nothing is left but its id: the household has no live report of its month any more.
GONE = """
UNION ALL
SELECT pilot_id, signal_id, household_id, period,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM standing s
WHERE NOT EXISTS (
  SELECT FROM digested d WHERE d.pilot_id = s.pilot_id AND d.household_id = s.household_id AND d.period = s.period)"""
EVERYTHING = "changed AS (SELECT * FROM digested),"
