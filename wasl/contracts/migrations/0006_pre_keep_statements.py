"""A closed month never changes: its statements are the sum of their lines, and of the ledger; disputes are counted."""

from django.db import migrations

KEEP = """
create function contracts_closed_keep() returns trigger language plpgsql as $$
begin
  raise exception 'a closed month never changes; it is corrected by a later one'
    using errcode = 'integrity_constraint_violation', constraint = 'contracts_closed_months_never_change';
end $$;

create trigger contracts_closings_stay before update or delete on contracts_closing
  for each row execute function contracts_closed_keep();
create trigger contracts_lines_stay before update or delete on contracts_line
  for each row execute function contracts_closed_keep();
create trigger contracts_papers_stay before update or delete on contracts_paper
  for each row execute function contracts_closed_keep();
create trigger contracts_statements_stay before delete on contracts_statement
  for each row execute function contracts_closed_keep();

create function contracts_statement_keep() returns trigger language plpgsql as $$
declare said constant text[] := '{disputed,provider_by_id,provider_at,beneficiary_by_id,beneficiary_at}';
begin
  if to_jsonb(new) - said <> to_jsonb(old) - said
     or (old.provider_by_id is not null and (new.provider_by_id, new.provider_at)
         is distinct from (old.provider_by_id, old.provider_at))
     or (old.beneficiary_by_id is not null and (new.beneficiary_by_id, new.beneficiary_at)
         is distinct from (old.beneficiary_by_id, old.beneficiary_at))
     or (new.disputed <> old.disputed and pg_trigger_depth() < 2) then
    raise exception 'a statement is only confirmed, once by each hospital'
      using errcode = 'integrity_constraint_violation', constraint = 'contracts_statements_are_only_confirmed';
  end if;
  return new;
end $$;

create trigger contracts_statements_are_only_confirmed before update on contracts_statement
  for each row execute function contracts_statement_keep();

create function contracts_statement_sums() returns trigger language plpgsql as $$
begin
  if (
    select count(*) <> new.lines or coalesce(sum(amount), 0) <> new.amount from contracts_line
    where case when new.reader_id is null then of_pair_id else of_reader_id end = new.id
  ) then
    raise exception 'a statement is the sum of its lines' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_statements_are_the_sum_of_their_lines';
  end if;
  return null;
end $$;

create constraint trigger contracts_statements_are_the_sum_of_their_lines after insert on contracts_statement
  deferrable initially deferred for each row execute function contracts_statement_sums();

-- no line comes later: the numbers are unique, and as many as the statement says it has
create function contracts_line_fits() returns trigger language plpgsql as $$
begin
  if not exists (
    select from contracts_act a
      join contracts_statement r on r.id = new.of_reader_id and r.reader_id = a.reader_id
      join contracts_statement p on p.id = new.of_pair_id and p.beneficiary_id = a.beneficiary_id
      join contracts_closing c on c.id = p.closing_id and c.id = r.closing_id and c.provider_id = a.provider_id
    where a.id = new.act_id and new.month <= c.month
      and new.reader_number between 1 and r.lines and new.pair_number between 1 and p.lines
  ) or (new.entry_id is not null and not exists (
    select from contracts_act a
      join contracts_fee f on f.act_id = a.id
      join contracts_entry e on e.fee_id = f.id and (e.reverses_id is not null) = (new.state = 'reversed')
      join contracts_account o on o.place_id = a.beneficiary_id
      join contracts_posting owed on owed.entry_id = e.id and owed.account_id = o.id
      join contracts_account k on k.person_id = a.reader_id
      join contracts_posting earned on earned.entry_id = e.id and earned.account_id = k.id
    where a.id = new.act_id and e.id = new.entry_id and owed.amount = new.amount and earned.amount = -new.amount
  )) then
    raise exception 'a line is an act of its reader and its hospitals, and says what the ledger says'
      using errcode = 'integrity_constraint_violation', constraint = 'contracts_lines_say_what_the_ledger_says';
  end if;
  return new;
end $$;

create trigger contracts_lines_say_what_the_ledger_says before insert on contracts_line
  for each row execute function contracts_line_fits();

create function contracts_act_keep() returns trigger language plpgsql as $$
begin
  if exists (select from contracts_line where act_id = old.id) then
    raise exception 'an act on a statement never changes' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_acts_on_statements_never_change';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $$;

create trigger contracts_acts_on_statements_never_change before update or delete on contracts_act
  for each row execute function contracts_act_keep();

create function contracts_dispute_keep() returns trigger language plpgsql as $$
declare said constant text[] := '{state,answered_by_id,answered_at,answer,settled_by_id,settled_at,decision}';
begin
  if tg_op = 'DELETE' or old.state not in ('open', 'kept') or to_jsonb(new) - said <> to_jsonb(old) - said
     or (old.state = 'kept' and (new.answered_by_id, new.answered_at, new.answer)
         is distinct from (old.answered_by_id, old.answered_at, old.answer)) then
    raise exception 'a dispute is answered once and decided once' using errcode = 'integrity_constraint_violation',
      constraint = 'contracts_disputes_are_ended_once';
  end if;
  return new;
end $$;

create trigger contracts_disputes_are_ended_once before update or delete on contracts_dispute
  for each row execute function contracts_dispute_keep();

create function contracts_dispute_count() returns trigger language plpgsql as $$
declare
  before int := case when tg_op = 'UPDATE' and old.state in ('open', 'kept') then 1 else 0 end;
  after int := case when new.state in ('open', 'kept') then 1 else 0 end;
begin
  if before <> after then
    update contracts_statement set disputed = disputed + after - before where id = new.statement_id;
  end if;
  return null;
end $$;

create trigger contracts_disputes_are_counted after insert or update on contracts_dispute
  for each row execute function contracts_dispute_count();
"""

LET_GO = """
drop trigger contracts_disputes_are_counted on contracts_dispute;
drop trigger contracts_disputes_are_ended_once on contracts_dispute;
drop trigger contracts_acts_on_statements_never_change on contracts_act;
drop trigger contracts_lines_say_what_the_ledger_says on contracts_line;
drop trigger contracts_statements_are_the_sum_of_their_lines on contracts_statement;
drop trigger contracts_statements_are_only_confirmed on contracts_statement;
drop trigger contracts_statements_stay on contracts_statement;
drop trigger contracts_papers_stay on contracts_paper;
drop trigger contracts_lines_stay on contracts_line;
drop trigger contracts_closings_stay on contracts_closing;
drop function contracts_dispute_count();
drop function contracts_dispute_keep();
drop function contracts_act_keep();
drop function contracts_line_fits();
drop function contracts_statement_sums();
drop function contracts_statement_keep();
drop function contracts_closed_keep();
"""


class Migration(migrations.Migration):
    """Keep closed months, their statements and their disputes."""

    dependencies = (("contracts", "0005_pre_statements"),)
    operations = (migrations.RunSQL(KEEP, LET_GO),)
